using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Routing;
using Microsoft.Extensions.Time.Testing;
using static FederatedDpLlm.Tests.Routing.TestQuestions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>Nodes that are well by their probes and come to nothing at every question: each draw is charged, so the router soon asks them no more.</summary>
public sealed class BrokenNodeTests
{
    // What one asker's questions break may be their own fault.
    private static readonly string[] Askers = ["alice", "bob"];

    // Deadlines are the system's time: a clock that stands still lies ahead of it, so that a slow machine breaks none.
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow().AddMinutes(10));

    [Fact]
    public async Task A_node_that_answers_its_probes_and_breaks_at_its_questions_costs_three_of_them_and_is_out()
    {
        await using var router = await StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        for (var question = 0; question < 10; question++)
        {
            Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(By(Askers[question % 2], Choice(1))))[^1]).Completion.Nodes);
            await ProbeAsync(router);
        }

        Assert.Equal((3, 13.0), (router.Nodes[0].Asked, router.Spent("global")));
        Assert.Equal((true, false, "left alone"), (router.Directory["a"].Snapshot.Healthy, router.Directory["a"].Snapshot.MayAnswer, router.Directory["a"].Snapshot.State));
        Assert.Contains("broke", router.Directory["a"].Snapshot.Trouble, StringComparison.Ordinal);
        Assert.Null(router.Directory["b"].Snapshot.Trouble);
    }

    [Fact]
    public async Task Where_the_only_node_is_out_questions_are_refused_and_cost_nothing_until_one_is_let_through()
    {
        await using var router = await StartAsync("a");
        router.Nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        for (var question = 0; question < 5; question++)
        {
            await router.AskAsync(By(Askers[question % 2], Choice(1)));
        }

        Assert.IsType<RouteRefusal.Unavailable>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(Choice(1)))).Refusal);
        Assert.Equal((3, 3.0), (router.Nodes[0].Asked, router.Spent("global")));

        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("on trial", router.Directory["a"].Snapshot.State);
        await router.AskAsync(Choice(1));
        await router.AskAsync(Choice(1));
        Assert.Equal((4, 4.0), (router.Nodes[0].Asked, router.Spent("global")));

        router.Nodes[0].Script = ScriptedNode.AnswerAsync;
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]);
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]);
        Assert.Null(router.Directory["a"].Snapshot.Trouble);
    }

    [Fact]
    public async Task A_node_that_hangs_at_its_questions_is_out_as_one_that_breaks()
    {
        await using var router = await RouterUnderTest.StartAsync(test => test.AnswerTimeoutSeconds = 1, "a");
        router.Nodes[0].Script = (_, _) => Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        for (var question = 0; question < 4; question++)
        {
            Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(By(Askers[question % 2], Choice(1)))));
        }

        Assert.Equal(3.0, router.Spent("global"));
        Assert.Contains("broke at its last 3 questions", router.Directory["a"].Snapshot.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failing_fast_is_no_low_latency()
    {
        await using var router = await StartAsync("a", "b");
        var script = ScriptedNode.BreakAfterAdmissionAsync;
        router.Nodes[0].Script = (request, responses) =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(50));
            return script(request, responses);
        };
        await router.AskAsync(Choice(1));
        Assert.Equal((0, 0.0), (router.Directory["a"].Snapshot.InFlight, router.Directory["a"].Snapshot.LatencyMilliseconds));
        script = ScriptedNode.AnswerAsync;
        await router.AskAsync(Choice(1));
        Assert.Equal((0, 50.0), (router.Directory["a"].Snapshot.InFlight, router.Directory["a"].Snapshot.LatencyMilliseconds));
    }

    [Fact]
    public async Task Refusals_and_callers_who_leave_say_nothing_against_a_node()
    {
        await using var router = await StartAsync("a");
        router.Nodes[0].Script = ScriptedNode.RefuseAsync;
        for (var question = 0; question < 5; question++)
        {
            await router.AskAsync(Choice(1));
        }

        for (var question = 0; question < 5; question++)
        {
            using var leaving = new CancellationTokenSource();
            router.Nodes[0].Script = async (_, responses) =>
            {
                await responses.WriteAsync(new AnswerEvent { Admitted = new Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } });
                await leaving.CancelAsync();
                await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => router.Router.AskAsync(Choice(1), true, leaving.Token).ToListAsync(TestContext.Current.CancellationToken).AsTask());
        }

        router.Nodes[0].Script = ScriptedNode.AnswerAsync;
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]);
    }

    [Theory, InlineData(29, 4), InlineData(31, 3)]
    public async Task Callers_who_leave_after_a_long_silence_have_met_a_node_that_hangs(int seconds, int asked)
    {
        await using var router = await StartAsync("a");
        for (var question = 0; question < 4; question++)
        {
            using var leaving = new CancellationTokenSource();
            var reached = new TaskCompletionSource();
            router.Nodes[0].Script = async (_, responses) =>
            {
                reached.SetResult();
                await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            };
            var answer = router.Router.AskAsync(Choice(1), true, leaving.Token).ToListAsync(TestContext.Current.CancellationToken).AsTask();
            if (await Task.WhenAny(answer, reached.Task) == answer)
            {
                Assert.IsType<RouteEvent.Refused>(Assert.Single(await answer));
                continue;
            }

            _clock.Advance(TimeSpan.FromSeconds(seconds));
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        }

        Assert.Equal((asked, (double)asked), (router.Nodes[0].Asked, router.Spent("global")));
    }

    [Theory, InlineData("empty text"), InlineData("a second admission"), InlineData("nothing"), InlineData("another choice"), InlineData("an end without an answer")]
    public async Task What_no_honest_node_sends_is_a_break(string sent)
    {
        await using var router = await StartAsync("a", "b");
        var admitted = new AnswerEvent { Admitted = new Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } };
        router.Nodes[0].Script = async (request, responses) =>
        {
            await responses.WriteAsync(admitted);
            await responses.WriteAsync(sent switch
            {
                "empty text" => new AnswerEvent { Text = string.Empty },
                "a second admission" => admitted,
                "nothing" => new AnswerEvent(),
                "another choice" => new AnswerEvent { Text = "perhaps" },
                _ => new AnswerEvent { Completed = new Completion { Voters = 10 } },
            });
            await ScriptedNode.AnswerAsync(request, responses);
        };
        for (var question = 0; question < 4; question++)
        {
            Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
        }

        Assert.Equal((3, 7.0), (router.Nodes[0].Asked, router.Spent("global")));
    }

    [Fact]
    public async Task A_hospital_that_breaks_off_every_answer_of_all_hospitals_is_left_out_of_them()
    {
        await using var router = await StartAsync("a", "b");
        router.Nodes[0].Contribution = AdmitAnd((_, _) => Task.CompletedTask);
        for (var question = 0; question < 3; question++)
        {
            Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Choice(1))))[^1]);
        }

        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Choice(1))))[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task A_hospital_whose_votes_never_fit_is_left_out_and_the_others_answer()
    {
        await using var router = await StartAsync("a", "b");
        router.Nodes[1].Contribution = AdmitAnd((_, responses) =>
        {
            var votes = new Votes();
            votes.Counts.AddRange([1_000_000, -999_990]);
            return responses.WriteAsync(new ContributionEvent { Votes = votes });
        });
        for (var question = 0; question < 3; question++)
        {
            Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Choice(1))))[^1]);
        }

        Assert.Equal(["a"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Choice(1))))[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task Of_three_hospitals_the_one_whose_public_logits_differ_is_left_out_in_the_end()
    {
        await using var router = await StartAsync("a", "b", "c");
        foreach (var (index, node) in router.Nodes.Index())
        {
            node.Contribution = AdmitAnd(async (requests, responses) =>
            {
                await responses.WriteAsync(Step(index == 1 ? 5 : 1));
                if (await requests.MoveNext(CancellationToken.None))
                {
                    await responses.WriteAsync(new ContributionEvent { Completed = new Completion { Voters = 10 } });
                }
            });
        }

        for (var question = 0; question < 3; question++)
        {
            Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Decoding(1, maxTokens: 1))))[^1]);
        }

        Assert.Equal(["a", "c"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Decoding(1, maxTokens: 1))))[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task A_hospital_that_does_not_say_whether_it_takes_part_is_left_out_after_seconds_and_asked_no_more_after_three_questions()
    {
        await using var router = await StartAsync("a", "b");
        for (var question = 0; question < 4; question++)
        {
            var reached = new TaskCompletionSource();
            router.Nodes[0].Contribution = async (_, _) =>
            {
                reached.SetResult();
                await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            };
            var asked = router.AskAsync(AtRouter(Choice(1)));
            if (await Task.WhenAny(asked, reached.Task) != asked)
            {
                // For the other hospital's word to arrive.
                await Task.Delay(500, TestContext.Current.CancellationToken);
                Assert.False(asked.IsCompleted);
                _clock.Advance(TimeSpan.FromSeconds(5));
            }

            Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await asked)[^1]).Completion.Nodes);
        }

        Assert.Equal((3, 4.0), (router.Nodes[0].Asked, router.Spent("global")));
    }

    [Fact]
    public async Task A_step_after_the_last_token_ends_the_answer_as_a_break_and_is_charged()
    {
        await using var router = await StartAsync("a");
        router.Nodes[0].Contribution = AdmitAnd(async (requests, responses) =>
        {
            do
            {
                await responses.WriteAsync(Step(1));
            }
            while (await requests.MoveNext(CancellationToken.None));
        });
        Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Decoding(1, maxTokens: 4))))[^1]);
        Assert.InRange(router.Spent("global"), 0.99, 1.0);
    }

    private Task<RouterUnderTest> StartAsync(params string[] ids) => RouterUnderTest.StartAsync(test => (test.Clock, test.QuotaEpsilon) = (_clock, 100), ids);

    private static Task ProbeAsync(RouterUnderTest router) =>
        Task.WhenAll(router.Directory.Links.Select(link => link.ProbeAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)));

    private static ContributionEvent Step(float logit) => new()
    {
        Step = DecodingStepWire.ToWire(new FederatedDpLlm.Inference.DecodingStep([1, 2], [logit, 0], [0, 0], 10), string.Empty),
    };

    private static Func<Grpc.Core.IAsyncStreamReader<ContributionRequest>, Grpc.Core.IServerStreamWriter<ContributionEvent>, Task> AdmitAnd(
        Func<Grpc.Core.IAsyncStreamReader<ContributionRequest>, Grpc.Core.IServerStreamWriter<ContributionEvent>, Task> go) => async (requests, responses) =>
    {
        await requests.MoveNext(CancellationToken.None);
        await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } });
        if (await requests.MoveNext(CancellationToken.None))
        {
            await go(requests, responses);
        }
    };
}
