using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Routing;
using static FederatedDpLlm.Tests.Routing.TestQuestions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>An answer over all hospitals, some of which lie about themselves: the rounds end, what surely did not run costs nothing, and what may have run is charged.</summary>
public sealed class RouterNoiseAnswerTests
{
    [Fact]
    public async Task All_hospitals_votes_make_one_answer()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b", "c");
        var events = await router.AskAsync(AtRouter(Choice(6)));
        Assert.Contains(Assert.IsType<RouteEvent.Text>(events[0]).Value, new[] { "yes", "no" });
        var completion = Assert.IsType<RouteEvent.Completed>(events[^1]).Completion;
        Assert.Equal((30, 3), (completion.Voters, completion.Nodes.Count));
        Assert.Equal(6.0, router.Spent("global"));
    }

    [Theory, InlineData(9), InlineData(11), InlineData(0), InlineData(-1), InlineData(int.MaxValue)]
    public async Task A_node_that_admits_with_other_voters_than_it_has_told_is_left_out_and_asked_no_more(int voters)
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Contribution = (requests, responses) => ScriptedNode.VoteAsync(requests, responses, voters, ScriptedNode.Digest);
        var completion = Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Choice(1))))[^1]).Completion;
        Assert.Equal(["b"], completion.Nodes);
        Assert.Equal((10, 1, 2), (completion.Voters, router.Nodes[0].Asked, router.Nodes[1].Asked));
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_hospital_that_serves_other_weights_under_the_same_name_is_not_asked_and_nobody_pays_for_it(bool decoding)
    {
        var other = new string('b', 64);
        await using var router = await RouterUnderTest.StartAsync(test => test.Nodes[0].Describe = status => status.ModelDigest = other, "a", "b", "c");
        foreach (var node in router.Nodes.Where(_ => decoding))
        {
            node.Contribution = ScriptedNode.DecodeAsync;
        }

        var question = AtRouter(decoding ? Decoding(1, maxTokens: 1) : Choice(1));
        var completion = Assert.IsType<RouteEvent.Completed>((await router.AskAsync(question))[^1]).Completion;
        Assert.Equal(["b", "c"], completion.Nodes);
        Assert.Equal((0, 20), (router.Nodes[0].Asked, completion.Voters));

        // Where the noise is its own, it answers as before.
        Assert.Equal(["a"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task A_node_that_admits_with_other_weights_than_it_has_told_is_left_out_before_anybody_computes()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Describe = status => status.ModelDigest = new string('b', 64);
        router.Nodes[1].Describe = status => status.ModelDigest = new string('b', 64);
        await Task.WhenAll(router.Directory.Links.Select(link => link.ProbeAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)));
        router.Nodes[1].Contribution = (requests, responses) => ScriptedNode.VoteAsync(requests, responses, 10, new string('b', 64));
        var completion = Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Choice(1))))[^1]).Completion;
        Assert.Equal(["b"], completion.Nodes);
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Fact]
    public async Task Where_every_node_lies_about_its_voters_nobody_answers_and_nothing_is_charged()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        Assert.All(router.Nodes, node => node.Contribution = (requests, responses) => ScriptedNode.VoteAsync(requests, responses, 77, ScriptedNode.Digest));
        Assert.IsType<RouteRefusal.Unavailable>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(AtRouter(Choice(1))))).Refusal);
        Assert.Equal(0, router.Spent("global"));
    }

    [Theory, InlineData(0), InlineData(-3), InlineData(10_001), InlineData(int.MaxValue)]
    public async Task A_node_that_claims_voters_that_cannot_be_counted_is_not_healthy(int voters)
    {
        await using var router = await RouterUnderTest.StartAsync(test => test.Nodes[0].Describe = status => status.Voters = voters, "a", "b");
        Assert.Contains("voters", router.Directory["a"].Snapshot.Trouble, StringComparison.Ordinal);
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Choice(1))))[^1]).Completion.Nodes);
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task A_status_that_cannot_be_is_not_believed()
    {
        Action<NodeStatus>[] lies =
        [
            status => status.Hospital = "b", status => status.Model = new string('m', 300), status => status.Model = string.Empty, status => status.InFlight = -1,
            status => status.Engine = new EngineLoad { Running = -1 }, status => status.Engine = new EngineLoad { Waiting = int.MaxValue }, status => status.Engine = new EngineLoad { Slots = -1 },
            status => status.ModelDigest = string.Empty, status => status.ModelDigest = new string('x', 64),
            status => status.Accounts[0].SpentUnits = -1, status => status.Accounts[0].EpsilonBudget = double.NaN, status => status.Accounts[0].Id = "data:\u0007",
            status => status.Accounts.AddRange(Enumerable.Range(0, 600).Select(i => new Account { Id = $"data:a/{i}", Currency = "rho" })),
        ];
        await using var router = await RouterUnderTest.StartAsync("a");
        foreach (var lie in lies)
        {
            router.Nodes[0].Describe = lie;
            await router.Directory["a"].ProbeAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.False(router.Directory["a"].Snapshot.Healthy);
            router.Nodes[0].Describe = _ => { };
            await router.Directory["a"].ProbeAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.True(router.Directory["a"].Snapshot.Healthy);
        }
    }

    [Fact]
    public async Task Votes_that_do_not_fit_the_voters_fail_the_answer_and_are_charged()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Contribution = async (requests, responses) =>
        {
            await requests.MoveNext(CancellationToken.None);
            await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } });
            await requests.MoveNext(CancellationToken.None);
            var votes = new Votes();
            votes.Counts.AddRange([1_000_000, -999_990]);
            await responses.WriteAsync(new ContributionEvent { Votes = votes });
        };
        Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Choice(1))))[^1]);
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Theory, InlineData("text"), InlineData("logits"), InlineData("lengths")]
    public async Task A_step_that_cannot_be_ends_the_answer_and_is_charged_whole(string lie)
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Contribution = async (requests, responses) =>
        {
            await requests.MoveNext(CancellationToken.None);
            await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } });
            await requests.MoveNext(CancellationToken.None);
            var step = DecodingStepWire.ToWire(
                new FederatedDpLlm.Inference.DecodingStep([1, 2], lie == "logits" ? [float.NaN, 0] : [1, 0], [0, 0], 10), lie == "text" ? new string('x', 100_000) : string.Empty);
            if (lie == "lengths")
            {
                step.Candidates.Add(3);
            }

            await responses.WriteAsync(new ContributionEvent { Step = step });
            await requests.MoveNext(CancellationToken.None);
        };
        Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Decoding(1, maxTokens: 16))))[^1]);
        Assert.InRange(router.Spent("global"), 0.99, 1.0);
    }
}
