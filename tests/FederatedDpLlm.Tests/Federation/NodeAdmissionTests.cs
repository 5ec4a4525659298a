using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Tests.Budgets;
using FederatedDpLlm.Tests.Inference;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Tests.Federation;

/// <summary>Whether a hospital takes part: what a router says is checked, and every refusal is an entry of the hospital's own log.</summary>
public sealed class NodeAdmissionTests : IAsyncLifetime
{
    private readonly LedgerFolder _folder = new();
    private readonly FaultyStore _store;
    private readonly SqliteBudgetLedger _ledger;
    private readonly NodeAdmission _admission;

    public NodeAdmissionTests()
    {
        _store = new FaultyStore(new SqliteLedgerStore(_folder.Path));
        _ledger = new SqliteBudgetLedger(_store, ownership: null, TimeProvider.System, NullLogger.Instance);
        var profile = new NodeProfile("h", true, 1e-6, true, true) { ModelDigest = string.Empty, MostFederationVoters = 100 };
        _admission = new NodeAdmission(TestHospital.Answering([], 4), new DataAccounts(_ledger, new PatientSpread(2), profile), profile, NullLogger<NodeAdmission>.Instance);
    }

    public async ValueTask InitializeAsync() => await _ledger.EnsureAccountAsync(new DataBudget { Epsilon = 20 }.ToPolicy(AccountId.Data("h", "all"), "data_budget"), LedgerFolder.Cancel);

    public async ValueTask DisposeAsync()
    {
        await _ledger.DisposeAsync();
        _folder.Dispose();
    }

    [Theory, InlineData(-1), InlineData(0), InlineData(3), InlineData(101), InlineData(int.MaxValue)]
    public async Task Voters_of_a_federation_that_cannot_be_are_refused_and_recorded(int voters)
    {
        var (plan, refusal) = await _admission.AdmitContributionAsync(new ContributionOpen { Request = Request(AnswerMechanism.Choice), TotalVoters = voters }, LedgerFolder.Cancel);
        Assert.Null(plan);
        Assert.Contains("between 4 and 100", refusal!.Message, StringComparison.Ordinal);
        AssertLast(AuditDecision.Refused, RefusalCodes.NotAllowed);
    }

    [Theory, InlineData(4), InlineData(100)]
    public async Task Voters_of_a_federation_that_can_be_are_admitted(int voters)
    {
        var (plan, _) = await _admission.AdmitContributionAsync(new ContributionOpen { Request = Request(AnswerMechanism.Choice), TotalVoters = voters }, LedgerFolder.Cancel);
        Assert.Equal(voters, plan!.Voters);
        AssertLast(AuditDecision.Admitted, null);
    }

    [Theory, InlineData(AnswerMechanism.Choice), InlineData(AnswerMechanism.Public)]
    public async Task A_router_cannot_take_the_name_of_an_adapters_charge(AnswerMechanism mechanism)
    {
        var request = Request(mechanism);
        request.RequestId = "adapter:" + new string('a', 64) + ":data:h/all";
        var (plan, refusal) = await _admission.AdmitAsync(request, LedgerFolder.Cancel);
        Assert.Null(plan);
        Assert.Equal(RefusalCodes.DuplicateRequest, refusal!.Code);
        Assert.IsType<ReserveOutcome.Reserved>(await _ledger.Reserve(request.RequestId, ("data:h/all", 1)));
    }

    [Fact]
    public async Task A_question_that_is_none_is_refused_and_recorded_without_its_text()
    {
        var request = Request(AnswerMechanism.Choice);
        request.Question.Choices.Clear();
        request.Question.Messages[0].Content = "secret words";
        var (plan, refusal) = await _admission.AdmitAsync(request, LedgerFolder.Cancel);
        Assert.Null(plan);
        Assert.Equal(RefusalCodes.InvalidQuestion, refusal!.Code);
        var entry = AssertLast(AuditDecision.Refused, RefusalCodes.InvalidQuestion);
        Assert.DoesNotContain(entry.Record.Details.Values, value => value.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_answer_of_the_base_model_is_recorded_before_its_first_word_and_not_for_a_routers_noise()
    {
        Assert.NotNull((await _admission.AdmitAsync(Request(AnswerMechanism.Public), LedgerFolder.Cancel)).Plan);
        AssertLast(AuditDecision.Admitted, null);
        var (plan, refusal) = await _admission.AdmitContributionAsync(new ContributionOpen { Request = Request(AnswerMechanism.Public), TotalVoters = 100 }, LedgerFolder.Cancel);
        Assert.Null(plan);
        Assert.Equal(RefusalCodes.InvalidQuestion, refusal!.Code);
    }

    [Theory, InlineData(AnswerMechanism.Choice), InlineData(AnswerMechanism.PrivateDecoding), InlineData(AnswerMechanism.Public)]
    public async Task A_ledger_that_cannot_be_written_admits_nothing_and_says_so(AnswerMechanism mechanism)
    {
        _store.FailBeforeWrite = true;
        var (plan, refusal) = await _admission.AdmitAsync(Request(mechanism), LedgerFolder.Cancel);
        Assert.Null(plan);
        Assert.Equal(RefusalCodes.Unavailable, refusal!.Code);
    }

    [Fact]
    public async Task A_repeated_request_and_a_spent_account_are_refused_and_recorded()
    {
        var request = Request(AnswerMechanism.Choice);
        Assert.NotNull((await _admission.AdmitAsync(request, LedgerFolder.Cancel)).Plan);
        Assert.Equal(RefusalCodes.DuplicateRequest, (await _admission.AdmitAsync(request, LedgerFolder.Cancel)).Refusal!.Code);
        AssertLast(AuditDecision.Refused, "duplicate-request");
        Assert.Equal(RefusalCodes.DataBudgetExhausted, (await _admission.AdmitAsync(Request(AnswerMechanism.Choice, 90), LedgerFolder.Cancel)).Refusal!.Code);
        AssertLast(AuditDecision.Refused, "budget-exhausted");
    }

    [Fact]
    public async Task A_question_that_costs_more_than_any_account_can_count_is_refused_and_recorded()
    {
        var request = Request(AnswerMechanism.Choice, 100);
        request.Question.Answers = 16;
        Assert.Equal(RefusalCodes.InvalidQuestion, (await _admission.AdmitAsync(request, LedgerFolder.Cancel)).Refusal!.Code);
        AssertLast(AuditDecision.Refused, RefusalCodes.InvalidQuestion);
    }

    [Fact]
    public async Task Names_that_no_entry_can_hold_are_no_question()
    {
        Action<AnswerRequest>[] lies = [one => one.RequestId = "", one => one.RequestId = new string('r', 300), one => one.Actor = new string('a', 300), one => one.Purpose = "a\u0001", one => one.Department = new string('d', 300)];
        foreach (var lie in lies)
        {
            var request = Request(AnswerMechanism.Choice);
            lie(request);
            Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => _admission.AdmitAsync(request, LedgerFolder.Cancel))).StatusCode);
        }
    }

    private static AnswerRequest Request(AnswerMechanism mechanism, double epsilon = 1) => new()
    {
        RequestId = Guid.NewGuid().ToString("N"),
        Actor = "alice",
        Department = "cardiology",
        Purpose = "treatment",
        Question = QuestionWire.ToWire(TestHospital.Ask(mechanism, epsilon)),
    };

    private AuditEntry AssertLast(AuditDecision decision, string? refusal)
    {
        var entry = Assert.Single(AuditLog.Latest(_folder.Path, 1));
        Assert.Equal((decision, refusal?.Replace('_', '-')), (entry.Record.Decision, entry.Record.Details["reason"] is { Length: > 0 } reason && decision == AuditDecision.Refused ? reason : null));
        return entry;
    }
}
