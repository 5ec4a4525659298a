using CsCheck;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Security.Audit;
using Grpc.Core;
using static FederatedDpLlm.Tests.Routing.TestQuestions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>What the router's audit log holds of a question, whatever becomes of it.</summary>
public sealed class RoutedAuditTests
{
    private const string NotForLogs = "the caller's own words";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly (string Name, Func<RoutedQuestion> Make)[] Questions =
    [
        ("choice", () => Choice(1)),
        ("decoding", () => Decoding(1, 8)),
        ("public", Free),
        ("exhausted", () => Choice(90) with { Caller = new("bob", "clinician", "small") }),
        ("epsilon out of range", () => Choice(101)),
        ("public with too many tokens", () => Free() is var free ? free with { Question = free.Question with { MaxTokens = 1 << 20 } } : free),
        ("epsilon that rounds to nothing", () => Choice(double.Epsilon)),
        ("epsilon of almost nothing", () => Choice(1e-300)),
        ("too little epsilon for its tokens", () => Decoding(1e-300, 4096)),
        ("more than any account counts", () => Several(Choice(100), 16)),
        ("far more than any account counts", () => Several(Decoding(100, 4096), 16)),
        ("unknown strategy", () => Choice(1) with { Strategy = NotForLogs }),
        ("unknown strategy, public", () => Free() with { Strategy = NotForLogs }),
        ("purpose without quota", () => Choice(1) with { Purpose = NoQuota }),
        ("noise at the router", () => AtRouter(Choice(1))),
        ("several answers", () => Several(Choice(1), 3)),
        ("model that nobody serves", () => Choice(1) with { Model = "other" }),
        ("public, model that nobody serves", () => Free() with { Model = "other" }),
    ];

    private static readonly Func<AnswerRequest, IServerStreamWriter<AnswerEvent>, Task>[] Scripts =
    [
        ScriptedNode.AnswerAsync, ScriptedNode.AnswerAsync, ScriptedNode.RefuseAsync, ScriptedNode.RefuseAfterTextAsync, ScriptedNode.BreakAfterAdmissionAsync, ScriptedNode.BreakAfterTextAsync,
    ];

    [Fact]
    public async Task Every_question_whatever_became_of_it_leaves_one_decision_and_where_admitted_one_end()
    {
        await using var router = await RouterUnderTest.StartAsync(test => test.QuotaEpsilon = 80, "a", "b");
        await Gen.Select(Gen.Int[0, Questions.Length - 1], Gen.Int[0, Scripts.Length - 1], Gen.Int[0, Scripts.Length - 1], Gen.Bool).SampleAsync(
            async (question, first, second, buffered) =>
            {
                (router.Nodes[0].Script, router.Nodes[1].Script) = (Scripts[first], Scripts[second]);
                var asked = Questions[question].Make();
                var events = await router.AskAsync(asked with { Caller = asked.Caller with { User = $"user-{asked.RequestId}" } }, buffered);
                AssertLog(router, asked.RequestId, events[^1], asked.Question.Mechanism == AnswerMechanism.Public);
            },
            iter: 150,
            threads: 1,
            print: one => $"{Questions[one.Item1].Name}, scripts {one.Item2} and {one.Item3}, {(one.Item4 ? "whole" : "as a stream")}");
        Assert.Null(AuditLog.Verify(router.LedgerPath).Problem);
        Assert.Empty(LedgerVerifier.Verify(router.LedgerPath).Problems);
        Assert.Equal(0, router.Ledger.Find(AccountId.Global)!.Reserved.Value);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task An_answer_is_in_the_log_before_its_node_is_asked_also_where_it_costs_nothing(bool free)
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        IReadOnlyList<AuditEntry> before = [];
        router.Nodes[0].Script = (request, responses) =>
        {
            before = EntriesOf(router, request.RequestId);
            return ScriptedNode.AnswerAsync(request, responses);
        };
        var question = free ? Free() : Choice(1);
        var completion = Assert.IsType<RouteEvent.Completed>((await router.AskAsync(question, buffered: false))[^1]).Completion;
        Assert.Equal(AuditDecision.Admitted, Assert.Single(before).Record.Decision);
        Assert.Equal(completion.AuditEntry, EntriesOf(router, question.RequestId)[^1].Index);
    }

    [Fact]
    public async Task A_caller_who_leaves_a_free_answer_leaves_its_end_in_the_log()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = async (_, responses) =>
        {
            await responses.WriteAsync(new AnswerEvent { Text = "ye" });
            await Task.Delay(Timeout.Infinite, Cancel);
        };
        using var leaving = new CancellationTokenSource();
        var question = Free();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var one in router.Router.AskAsync(question, false, leaving.Token))
            {
                Assert.IsType<RouteEvent.Text>(one);
                await leaving.CancelAsync();
            }
        });
        Assert.Equal([("Admitted", "public-model"), ("Failed", "cancelled")], EntriesOf(router, question.RequestId).Select(entry => (entry.Record.Decision.ToString(), entry.Record.Details["reason"])));
    }

    [Fact]
    public async Task A_question_whose_charge_cannot_be_written_is_settled_later_and_never_stays_held()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        var question = Choice(1);
        router.Nodes[0].Script = async (request, responses) =>
        {
            router.Store.FailNextWrites = 4;
            await ScriptedNode.AnswerAsync(request, responses);
        };
        await Assert.ThrowsAsync<BudgetStoreException>(() => router.AskAsync(question));
        for (var patience = 0; router.Ledger.UnsettledCount > 0; patience++)
        {
            Assert.True(patience < 1500, "half a minute later it is still held");
            await Task.Delay(20, Cancel);
        }

        Assert.Equal((1.0, 0), (router.Spent("global"), router.Ledger.Find(AccountId.Global)!.Reserved.Value));
        Assert.Equal([AuditDecision.Admitted, AuditDecision.Failed], EntriesOf(router, question.RequestId).Select(entry => entry.Record.Decision));
        Assert.Empty(LedgerVerifier.Verify(router.LedgerPath).Problems);
    }

    [Fact]
    public async Task What_no_quota_can_count_is_refused_and_recorded()
    {
        await using var router = await RouterUnderTest.StartAsync(test => test.Composition = Composition.Zcdp, "a");
        var question = Several(Choice(100), 16);
        Assert.Equal("privacy.epsilon", Assert.IsType<RouteRefusal.Invalid>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(question))).Refusal).Parameter);
        Assert.Equal("invalid-request", Assert.Single(EntriesOf(router, question.RequestId)).Record.Details["reason"]);
    }

    [Fact]
    public async Task A_quota_that_has_spent_in_another_currency_is_a_refusal_that_is_recorded()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]);
        router.Composition = Composition.Zcdp;
        var question = Choice(1);
        Assert.IsType<RouteRefusal.Unavailable>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(question))).Refusal);
        Assert.Equal("unavailable", Assert.Single(EntriesOf(router, question.RequestId)).Record.Details["reason"]);
        Assert.Equal(1, router.Nodes[0].Asked);
    }

    [Fact]
    public async Task An_id_that_tries_again_leaves_no_more_entries_than_it_has_tries()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = ScriptedNode.RefuseAsync;
        var question = Choice(1);
        for (var tries = 0; tries < 4; tries++)
        {
            await router.AskAsync(question);
        }

        Assert.Equal(8, AuditLog.Latest(router.LedgerPath, int.MaxValue).Count(entry => entry.Record.RequestId.StartsWith(question.RequestId, StringComparison.Ordinal)));
    }

    private static IReadOnlyList<AuditEntry> EntriesOf(RouterUnderTest router, string requestId) => [.. AuditLog.Latest(router.LedgerPath, 64).Where(entry => entry.Record.RequestId == requestId).Reverse()];

    private static void AssertLog(RouterUnderTest router, string requestId, RouteEvent last, bool free)
    {
        var entries = AuditLog.Latest(router.LedgerPath, 64).Where(entry => entry.Record.RequestId.Split('#')[0] == requestId).Reverse().ToList();
        foreach (var draw in entries.GroupBy(entry => entry.Record.RequestId))
        {
            Assert.True(
                draw.Select(entry => entry.Record.Decision).ToArray() is [AuditDecision.Refused] or [AuditDecision.Admitted, AuditDecision.Answered or AuditDecision.Failed or AuditDecision.Refused],
                string.Join(", ", draw.Select(entry => entry.Record.Decision)));
        }

        Assert.Equal(
            last switch
            {
                RouteEvent.Completed => AuditDecision.Answered,
                RouteEvent.Failed => AuditDecision.Failed,
                _ => AuditDecision.Refused,
            },
            entries[^1].Record.Decision);
        Assert.All(entries, entry => AssertEntry(entry, free));
    }

    private static void AssertEntry(AuditEntry entry, bool free)
    {
        var (decision, details) = (entry.Record.Decision, entry.Record.Details);
        Assert.All(["mechanism", "epsilon", "strategy", "department"], name => Assert.Contains(name, details));
        Assert.Equal(decision == AuditDecision.Admitted && !free ? 4 : entry.Movements.Count is 0 or 4 ? entry.Movements.Count : -1, entry.Movements.Count);
        Assert.Equal(decision is AuditDecision.Refused or AuditDecision.Failed || free, details["reason"].Length > 0);
        if (details["reason"] != "invalid-request")
        {
            Assert.NotEmpty(details["strategy"]);
        }

        var all = string.Join('\n', details.Values);
        Assert.All(["Is it so?", "yes", "the whole answer", NotForLogs], text => Assert.DoesNotContain(text, all, StringComparison.Ordinal));
    }
}
