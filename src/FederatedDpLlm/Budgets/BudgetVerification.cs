namespace FederatedDpLlm.Budgets;

/// <summary>What a recomputation of every account from its entries found.</summary>
/// <param name="Drift">By how many units the stored balances and budgets differ from the recomputed ones, over all accounts.</param>
/// <param name="Accounts">How many accounts the ledger has.</param>
/// <param name="Entries">How many movements were replayed.</param>
/// <param name="Problems">What does not agree, for a person; empty where everything does. At most <see cref="MostProblems"/>.</param>
public sealed record BudgetVerification(Int128 Drift, int Accounts, long Entries, IReadOnlyList<string> Problems)
{
    public const int MostProblems = 100;

    public bool Ok => Problems.Count == 0 && Drift == 0;
}
