using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Budgets;

/// <summary>An account on the wire: its integers, and epsilons for people's eyes.</summary>
public static class AccountWire
{
    /// <summary>What an account's amounts count, as screens name it.</summary>
    public static string CurrencyName(Composition composition) => composition switch
    {
        Composition.Basic => "epsilon",
        Composition.Advanced => "epsilon-squared",
        Composition.Zcdp => "rho",
        _ => "renyi-divergence",
    };

    public static Protocol.Account ToWire(AccountState state, BudgetUnits charged) => new()
    {
        Id = state.Policy.Id.Value,
        Currency = CurrencyName(state.Policy.Composition),
        BudgetUnits = state.Budget.Value,
        SpentUnits = state.Spent.Value,
        ReservedUnits = state.Reserved.Value,
        Delta = state.Policy.Delta,
        EpsilonBudget = state.Policy.Epsilon,
        EpsilonRemaining = Math.Max(0, state.Policy.Epsilon - state.Policy.Currency.EpsilonOf(state.Spent + state.Reserved)),
        ChargedUnits = charged.Value,
    };
}
