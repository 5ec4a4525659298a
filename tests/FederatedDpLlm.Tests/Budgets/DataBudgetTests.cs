using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using static FederatedDpLlm.Tests.Budgets.LedgerFolder;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A data account is fixed at its start: what was promised once is not weakened in silence.</summary>
public sealed class DataBudgetTests : IDisposable
{
    private static readonly AccountId Account = AccountId.Data("h", "all");
    private readonly LedgerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_raise_is_refused_unless_the_old_promise_is_stated_and_a_lower_budget_is_accepted()
    {
        await using var ledger = await _folder.OpenAsync();
        await OpenAsync(ledger, new DataBudget { Epsilon = 5 });
        await OpenAsync(ledger, new DataBudget { Epsilon = 5 });
        Assert.Contains("raised_from: 5", (await Assert.ThrowsAsync<ConfigurationException>(() => OpenAsync(ledger, new DataBudget { Epsilon = 600 }))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ConfigurationException>(() => OpenAsync(ledger, new DataBudget { Epsilon = 600, RaisedFrom = 4 }));
        Assert.Equal(5, ledger.Find(Account)!.Policy.Epsilon);
        await OpenAsync(ledger, new DataBudget { Epsilon = 6, RaisedFrom = 5 });
        await OpenAsync(ledger, new DataBudget { Epsilon = 6, RaisedFrom = 5 });
        await OpenAsync(ledger, new DataBudget { Epsilon = 1 });
        Assert.Equal(1, ledger.Find(Account)!.Policy.Epsilon);
    }

    [Fact]
    public async Task An_account_stays_in_its_currency_and_at_its_delta()
    {
        await using var ledger = await _folder.OpenAsync();
        await OpenAsync(ledger, new DataBudget { Epsilon = 5 });
        await Assert.ThrowsAsync<ConfigurationException>(() => OpenAsync(ledger, new DataBudget { Epsilon = 5, Delta = 1e-5 }));
        await Assert.ThrowsAsync<ConfigurationException>(() => OpenAsync(ledger, new DataBudget { Epsilon = 5, Composition = Composition.Basic }));
    }

    private static Task OpenAsync(SqliteBudgetLedger ledger, DataBudget budget) => budget.OpenAsync(ledger, Account, "data_budget", Cancel);
}
