using FederatedDpLlm.Inference;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Routing;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using static FederatedDpLlm.Tests.Routing.TestQuestions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>Questions that break every engine that reads them, and engines that break at one kind of question: nobody else, and no other kind, goes without an answer for them.</summary>
public sealed class PoisonousQuestionTests
{
    private const string Poison = "poison";
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow().AddMinutes(10));

    [Fact]
    public async Task A_question_that_breaks_three_nodes_is_given_up_and_says_what_it_cost()
    {
        await using var router = await StartAsync("a", "b", "c", "d");
        var refused = Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Saying(Poison, Choice(1))))[^1]).Refusal;
        Assert.Contains("broke at this question", refused.Message, StringComparison.Ordinal);
        Assert.Equal((3.0, 3.0), (refused.Lost!.Epsilon.Value, router.Spent("global")));
        Assert.Equal([1, 1, 1, 0], router.Nodes.Select(node => node.Asked));
    }

    [Theory, InlineData(AnswerMechanism.Choice), InlineData(AnswerMechanism.PrivateDecoding), InlineData(AnswerMechanism.Public)]
    public async Task One_asker_whose_questions_break_every_node_takes_none_of_them_from_anybody_else(AnswerMechanism mechanism)
    {
        await using var router = await StartAsync("a", "b", "c", "d");
        for (var question = 0; question < 12; question++)
        {
            Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Saying($"{Poison} {question}", Ask(mechanism))))[^1]);
        }

        // Three breaks at each of the first nodes, then the others; after that the asker is kept away from all, free of charge.
        Assert.All(router.Nodes, node => Assert.Equal(3, node.Asked));
        var refused = Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(Ask(mechanism)))).Refusal;
        Assert.Contains("Ask another way", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["a"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(By("bob", Ask(mechanism))))[^1]).Completion.Nodes);
        Assert.All(router.Directory.Snapshots, node => Assert.Equal((true, "answers"), (node.MayAnswer, node.State)));
        Assert.Contains("one asker", router.Directory["b"].Snapshot.Trouble, StringComparison.Ordinal);

        // A while later the asker's next question is let through, and an answer clears it.
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Ask(mechanism)))[^1]);
        Assert.Null(router.Directory["a"].Snapshot.Trouble);
    }

    [Fact]
    public async Task A_node_whose_voters_break_goes_on_answering_publicly_and_what_it_answers_does_not_hide_that_its_voters_break()
    {
        await using var router = await StartAsync("a");
        router.Nodes[0].Script = (request, responses) => request.Question.Mechanism == "public" ? ScriptedNode.AnswerAsync(request, responses) : ScriptedNode.BreakAfterAdmissionAsync(request, responses);
        foreach (var asker in new[] { "alice", "bob", "carol", "alice", "dave" })
        {
            Assert.IsType<RouteEvent.Refused>((await router.AskAsync(By(asker, Choice(1))))[^1]);
            Assert.IsType<RouteEvent.Completed>((await router.AskAsync(By(asker, Free())))[^1]);
        }

        Assert.Equal(3.0, router.Spent("global"));
        var node = router.Directory["a"].Snapshot;
        Assert.Equal((true, "answers in part"), (node.MayAnswer, node.State));
        Assert.Equal("choice: broke at its last 3 questions; one is let through after 5 s", node.Trouble);
    }

    [Fact]
    public async Task A_node_that_is_left_alone_still_serves_its_model_so_that_a_question_for_it_is_refused_for_now_and_not_as_unknown()
    {
        await using var router = await StartAsync("a");
        router.Nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        foreach (var asker in new[] { "alice", "bob", "carol" })
        {
            await router.AskAsync(By(asker, Choice(1)));
        }

        Assert.False(router.Directory["a"].Snapshot.MayAnswer);
        Assert.Equal([ScriptedNode.Model], router.Router.Models);
    }

    private static RoutedQuestion Ask(AnswerMechanism mechanism) => mechanism switch
    {
        AnswerMechanism.Choice => Choice(1),
        AnswerMechanism.PrivateDecoding => Decoding(1, maxTokens: 4),
        _ => Free(),
    };

    private async Task<RouterUnderTest> StartAsync(params string[] ids)
    {
        var router = await RouterUnderTest.StartAsync(test => (test.Clock, test.QuotaEpsilon) = (_clock, 1000), ids);
        foreach (var node in router.Nodes)
        {
            node.Script = BreakAtPoisonAsync;
        }

        return router;
    }

    private static Task BreakAtPoisonAsync(AnswerRequest request, IServerStreamWriter<AnswerEvent> responses) =>
        request.Question.Messages[0].Content.Contains(Poison, StringComparison.Ordinal) ? ScriptedNode.BreakAfterAdmissionAsync(request, responses) : ScriptedNode.AnswerAsync(request, responses);
}
