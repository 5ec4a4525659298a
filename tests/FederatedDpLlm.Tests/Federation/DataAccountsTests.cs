using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Tests.Budgets;
using FederatedDpLlm.Tests.Inference;

namespace FederatedDpLlm.Tests.Federation;

/// <summary>A hospital's data accounts, one a block of patients: which of them pay for a question.</summary>
public sealed class DataAccountsTests : IDisposable
{
    private readonly LedgerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_question_is_held_on_every_block_that_it_reads_and_charged_there()
    {
        await using var ledger = await OpenAsync(("2025", 1), ("2026", 1));
        var accounts = Accounts(ledger, "2025", "2026");
        var (outcome, plan) = await accounts.ReserveAsync(Request("r"), Choice(1), Cancel);
        Assert.Equal(["2025", "2026"], plan.Blocks);
        Assert.Equal(2, Assert.IsType<ReserveOutcome.Reserved>(outcome).Accounts.Count);
        await accounts.CommitAsync(Request("r"), plan, plan.Costs, Cancel);
        Assert.Equal((0.25, 0.25), (Spent(ledger, "2025"), Spent(ledger, "2026")));
    }

    [Fact]
    public async Task A_block_that_is_spent_is_left_out_and_the_others_go_on()
    {
        await using var ledger = await OpenAsync(("2025", 0.3), ("2026", 1));
        var accounts = Accounts(ledger, "2025", "2026");
        await AnswerAsync(accounts, "first");
        Assert.Equal(["2026"], (await AnswerAsync(accounts, "second")).Blocks);
        Assert.Equal((0.25, 0.5), (Spent(ledger, "2025"), Spent(ledger, "2026")));

        // A question that is cheaper fits the old block again.
        var (_, cheap) = await accounts.ReserveAsync(Request("third"), Choice(0.1), Cancel);
        Assert.Equal(["2025", "2026"], cheap.Blocks);
    }

    [Fact]
    public async Task Where_every_block_is_spent_the_question_is_refused_and_nothing_is_held()
    {
        await using var ledger = await OpenAsync(("2025", 0.1), ("2026", 0.2));
        var (outcome, _) = await Accounts(ledger, "2025", "2026").ReserveAsync(Request("r"), Choice(1), Cancel);
        Assert.IsType<ReserveOutcome.Exhausted>(outcome);
        Assert.All(ledger.Snapshot(), account => Assert.Equal(0, account.Reserved.Value));
    }

    [Fact]
    public async Task An_account_of_an_earlier_division_stands_for_patients_that_are_still_read_and_is_never_left_out()
    {
        await using var ledger = await OpenAsync(("all", 0.3), ("2025", 1), ("2026", 1));
        var accounts = Accounts(ledger, "2025", "2026");
        await AnswerAsync(accounts, "first");
        Assert.Equal(0.25, Spent(ledger, "all"));
        var (outcome, _) = await accounts.ReserveAsync(Request("second"), Choice(1), Cancel);
        Assert.Equal("data:h/all", Assert.IsType<ReserveOutcome.Exhausted>(outcome).Account.Policy.Id.Value);
        Assert.Equal(0.25, Spent(ledger, "2026"));
    }

    [Fact]
    public async Task Many_at_once_overspend_no_block()
    {
        await using var ledger = await OpenAsync(("2025", 2.6), ("2026", 5.1));
        var accounts = Accounts(ledger, "2025", "2026");
        var plans = await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
        {
            var (outcome, plan) = await accounts.ReserveAsync(Request($"r{i}"), Choice(1), Cancel);
            return outcome is ReserveOutcome.Reserved ? plan.Blocks : null;
        }));
        Assert.Equal(10, plans.Count(blocks => blocks?.Contains("2025") == true));
        Assert.Equal(20, plans.Count(blocks => blocks?.Contains("2026") == true));
        Assert.Equal(40, plans.Count(blocks => blocks is null));

        // Also where a block filled up between two tries, one question is one decision.
        Assert.Equal(60, AuditLog.Latest(_folder.Path, int.MaxValue).Count(entry => entry.Record.Decision is AuditDecision.Admitted or AuditDecision.Refused));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static AnswerPlan Choice(double epsilon) => TestHospital.Answering([], 4).Plan(TestHospital.Ask(AnswerMechanism.Choice, epsilon)).Plan!;

    private static AnswerRequest Request(string id) => new() { RequestId = id, Actor = "alice", Department = "cardiology", Purpose = "treatment" };

    private static DataAccounts Accounts(IBudgetLedger ledger, params string[] blocks) =>
        new(ledger, new PatientSpread(2), new NodeProfile("h", false, 1e-6, true, true) { ModelDigest = string.Empty, Blocks = blocks });

    private static async Task<AnswerPlan> AnswerAsync(DataAccounts accounts, string id)
    {
        var (outcome, plan) = await accounts.ReserveAsync(Request(id), Choice(1), Cancel);
        Assert.IsType<ReserveOutcome.Reserved>(outcome);
        await accounts.CommitAsync(Request(id), plan, plan.Costs, Cancel);
        return plan;
    }

    private static double Spent(SqliteBudgetLedger ledger, string block) => ledger.Find(AccountId.Data("h", block))!.Spent.ToDouble();

    // Budgets in rho; a choice of epsilon 1 costs a patient who is known at two hospitals 2/8.
    private async Task<SqliteBudgetLedger> OpenAsync(params (string Block, double Rho)[] blocks)
    {
        var ledger = await _folder.OpenAsync();
        foreach (var (block, rho) in blocks)
        {
            await ledger.EnsureAccountAsync(new DataBudget { Epsilon = 20 }.ToPolicy(AccountId.Data("h", block), "data_budget") with { Budget = BudgetUnits.OfBudget(rho) }, Cancel);
        }

        return ledger;
    }
}
