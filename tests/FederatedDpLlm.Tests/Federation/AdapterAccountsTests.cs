using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Tests.Budgets;

namespace FederatedDpLlm.Tests.Federation;

/// <summary>An adapter that was made from a hospital's records is paid for before it is served.</summary>
public sealed class AdapterAccountsTests : IDisposable
{
    private readonly LedgerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_a_training_released_is_charged_once_to_every_account_also_after_a_restart_and_to_a_block_that_comes_later()
    {
        await using (var ledger = await OpenAsync(new DataBudget { Epsilon = 10 }, "2025", "2026"))
        {
            await ChargeAsync(ledger, Statement());
            await ChargeAsync(ledger, Statement());
            Assert.Equal((Rho, Rho), (Spent(ledger, "2025"), Spent(ledger, "2026")));
        }

        await using (var ledger = await OpenAsync(new DataBudget { Epsilon = 10 }, "2025", "2026", "2027"))
        {
            await ChargeAsync(ledger, Statement());
            Assert.Equal((Rho, Rho, Rho), (Spent(ledger, "2025"), Spent(ledger, "2026"), Spent(ledger, "2027")));

            // Another adapter is another release; the first one was made all the same.
            await ChargeAsync(ledger, Statement('b'));
            Assert.Equal(2 * Rho, Spent(ledger, "2025"));
        }

        var entries = Entries();
        Assert.Equal((6, 6, 0), (entries.Count(entry => entry.Decision == AuditDecision.Admitted), entries.Count(entry => entry.Decision == AuditDecision.Answered), entries.Count(entry => entry.Decision == AuditDecision.Refused)));
        Assert.All(entries, entry => Assert.Equal(("dp-sgd", "ReplaceOne", "notes.jsonl"), (entry.Details["mechanism"], entry.Details["relation"], entry.Details["records"])));
        Assert.Empty(LedgerVerifier.Verify(_folder.Path).Problems);
    }

    [Fact]
    public async Task An_account_that_cannot_pay_ends_the_start_with_what_to_do_and_is_charged_nothing()
    {
        await using var ledger = await OpenAsync(new DataBudget { Epsilon = 1 }, "all");
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => ChargeAsync(ledger, Statement()));
        Assert.Contains("data:h/all is to be charged 0.08", error.Message, StringComparison.Ordinal);
        Assert.Contains("'composition: rdp'", error.Message, StringComparison.Ordinal);
        Assert.Contains("engine.adapter_made_elsewhere", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, Spent(ledger, "all"));
        Assert.Equal("budget-exhausted", Assert.Single(Entries()).Details["reason"]);

        // With more to spend it starts.
        await new DataBudget { Epsilon = 10, RaisedFrom = 1 }.OpenAsync(ledger, AccountId.Data("h", "all"), "data_budget", LedgerFolder.Cancel);
        await ChargeAsync(ledger, Statement());
        Assert.Equal(Rho, Spent(ledger, "all"));
    }

    [Theory, InlineData(Composition.Basic), InlineData(Composition.Advanced), InlineData(Composition.Zcdp), InlineData(Composition.Rdp)]
    public async Task A_training_with_hardly_any_noise_is_more_than_any_account_can_hold(Composition composition)
    {
        await using var ledger = await OpenAsync(new DataBudget { Epsilon = 10, Composition = composition, RenyiOrder = composition == Composition.Rdp ? 8 : null }, "all");
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => ChargeAsync(ledger, Statement() with { NoiseMultiplier = 1e-3 }));
        Assert.Contains("more than any account can hold", error.Message, StringComparison.Ordinal);
        Assert.Equal(composition != Composition.Rdp, error.Message.Contains("'composition: rdp'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_account_at_one_Renyi_order_counts_that_a_step_sees_a_sample()
    {
        await using var ledger = await OpenAsync(new DataBudget { Epsilon = 10, Composition = Composition.Rdp, RenyiOrder = 8 }, "all");
        await ChargeAsync(ledger, Statement());

        // As if it were seen whether the patient took part: ln(1 - q + q e^((a-1) D))/(a-1), where D = a (2/20)^2 / 2 at a noise of 20 per patient added, 10 per patient exchanged.
        const double divergence = 8 * 0.1 * 0.1 / 2;
        var step = Math.Log(1 - 0.1 + (0.1 * Math.Exp(7 * divergence))) / 7;
        Assert.Equal(2 * 8 * step, Spent(ledger, "all"), 1e-9);
        Assert.True(Spent(ledger, "all") < 2 * 8 * divergence / 8);
    }

    [Fact]
    public async Task Noise_that_is_not_exact_enough_for_the_accounts_epsilon_is_refused_with_the_epsilon_that_would_do()
    {
        await using var ledger = await OpenAsync(new DataBudget { Epsilon = 60 }, "all");
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => ChargeAsync(ledger, Statement()));
        Assert.Contains("Lower 'data_budget.epsilon' to at most 13.1", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, Spent(ledger, "all"));

        await new DataBudget { Epsilon = 13.1 }.OpenAsync(ledger, AccountId.Data("h", "all"), "data_budget", LedgerFolder.Cancel);
        await ChargeAsync(ledger, Statement());
        Assert.Equal(Rho, Spent(ledger, "all"));
    }

    [Fact]
    public async Task An_adapter_that_was_made_elsewhere_costs_nothing_and_is_recorded()
    {
        await using var ledger = await OpenAsync(new DataBudget { Epsilon = 10 }, "all");
        await Accounts(ledger).RecordMadeElsewhereAsync("ours", LedgerFolder.Cancel);
        Assert.Equal(0, Spent(ledger, "all"));
        Assert.Equal(("adapter-made-elsewhere", "ours"), (Assert.Single(Entries()).Details["reason"], Entries()[0].Details["adapter"]));
    }

    // Two hospitals, 8 steps, each of rho = (2/20)^2/2 where a patient is exchanged. Amounts are compared to 12 decimals: costs are rounded up to a unit of 2^-50.
    private const double Rho = 0.08;

    private static AdapterStatement Statement(char digest = 'a') => new()
    {
        WeightsSha256 = new string(digest, 64), Unit = "patient", NoiseMultiplier = 20, SamplingRate = 0.1, Steps = 8, NoiseDistance = 1e-12, Epsilon = 0.3, Delta = 1e-5, Relation = "AddOrRemoveOne",
        Records = "notes.jsonl",
    };

    private static AdapterAccounts Accounts(IBudgetLedger ledger) => new(ledger, new PatientSpread(2), "h");

    private static Task ChargeAsync(IBudgetLedger ledger, AdapterStatement statement) => Accounts(ledger).ChargeAsync(statement, LedgerFolder.Cancel);

    private static double Spent(SqliteBudgetLedger ledger, string block) => Math.Round(ledger.Find(AccountId.Data("h", block))!.Spent.ToDouble(), 12);

    private List<AuditRecord> Entries() => [.. AuditLog.Latest(_folder.Path, int.MaxValue).Select(entry => entry.Record).Where(record => record.RequestId.StartsWith("adapter:", StringComparison.Ordinal))];

    private async Task<SqliteBudgetLedger> OpenAsync(DataBudget budget, params string[] blocks)
    {
        var ledger = await _folder.OpenAsync();
        foreach (var block in blocks)
        {
            await budget.OpenAsync(ledger, AccountId.Data("h", block), "data_budget", LedgerFolder.Cancel);
        }

        return ledger;
    }
}
