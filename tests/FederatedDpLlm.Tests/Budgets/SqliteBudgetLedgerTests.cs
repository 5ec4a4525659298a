using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>The contract, held by the ledger in SQLite.</summary>
public sealed class SqliteBudgetLedgerTests : BudgetLedgerContract
{
    private readonly LedgerFolder _folder = new();

    protected override async Task<IBudgetLedger> OpenAsync() => await _folder.OpenAsync(Clock);

    protected override async Task CloseAsync(IBudgetLedger ledger)
    {
        await ((SqliteBudgetLedger)ledger).DisposeAsync();
        _folder.Dispose();
    }
}
