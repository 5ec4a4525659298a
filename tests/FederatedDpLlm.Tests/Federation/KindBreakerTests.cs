using CsCheck;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Federation;

/// <summary>Whose breaks keep whom from a node.</summary>
public sealed class KindBreakerTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly KindBreaker _breaker;

    public KindBreakerTests() => _breaker = new KindBreaker(_clock);

    [Fact]
    public void Whatever_one_asker_sends_and_whenever_everybody_else_is_let_through() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4000]).Array[0, 200].Sample(steps =>
        {
            var clock = new FakeTimeProvider();
            var breaker = new KindBreaker(clock);
            foreach (var (step, seconds) in steps)
            {
                if (breaker.TryEnter("poisoner") is { } turn)
                {
                    End(breaker, turn, step);
                }

                clock.Advance(TimeSpan.FromSeconds(seconds));
                Assert.True(breaker.MayAsk("anybody"));
            }
        });

    [Fact]
    public void An_asker_whose_questions_broke_is_kept_away_for_pauses_that_grow_until_one_is_answered()
    {
        Break("alice", NodeBreaker.MostBreaks);
        Assert.Null(_breaker.TryEnter("alice"));
        _clock.Advance(NodeBreaker.FirstPause);
        Break("alice", 1);
        _clock.Advance(NodeBreaker.FirstPause);
        Assert.False(_breaker.MayAsk("alice"));
        _clock.Advance(NodeBreaker.FirstPause);
        _breaker.Answered(_breaker.TryEnter("alice")!.Value);
        Break("alice", NodeBreaker.MostBreaks - 1);
        Assert.True(_breaker.MayAsk("alice"));
    }

    [Fact]
    public void Breaks_of_two_askers_in_a_row_take_the_node_from_everybody_and_an_answer_between_them_does_not_let_it_come_to_that()
    {
        Break("alice", 1);
        Break("bob", 1);
        _breaker.Answered(_breaker.TryEnter("carol")!.Value);
        Break("alice", 1);
        Assert.True(_breaker.MayAsk("carol"));
        Break("bob", 2);
        Assert.False(_breaker.MayAsk("carol"));
        Assert.True(State.IsPaused);
    }

    [Fact]
    public void One_more_break_of_an_asker_under_suspicion_does_not_lengthen_the_pause_that_everybody_keeps()
    {
        Break("alice", NodeBreaker.MostBreaks);
        Break("bob", 1);
        Assert.Equal((false, NodeBreaker.FirstPause), (State.MayAsk, State.Pause));
        _clock.Advance(NodeBreaker.FirstPause);
        Break("alice", 1);
        Assert.Equal((true, NodeBreaker.FirstPause), (State.MayAsk, State.Pause));
        Break("carol", 1);
        Assert.Equal((false, 2 * NodeBreaker.FirstPause), (State.MayAsk, State.Pause));
    }

    [Fact]
    public void A_question_that_says_nothing_leaves_its_trial_to_the_next()
    {
        Break("alice", NodeBreaker.MostBreaks);
        _clock.Advance(NodeBreaker.FirstPause);
        var trial = _breaker.TryEnter("alice")!.Value;
        Assert.True(trial.OwnTrial);
        Assert.Null(_breaker.TryEnter("alice"));
        _breaker.Left(trial);
        Assert.NotNull(_breaker.TryEnter("alice"));
    }

    [Fact]
    public void Of_more_askers_than_are_remembered_the_first_is_forgotten()
    {
        Break("first", NodeBreaker.MostBreaks);
        for (var asker = 0; asker < KindBreaker.MostAskers; asker++)
        {
            Assert.False(_breaker.MayAsk("first"));

            // Under way when the first ones broke; an answer between them keeps the node for everybody.
            var turn = _breaker.TryEnter($"asker {asker}")!.Value;
            _breaker.Answered(_breaker.TryEnter("well")!.Value);
            _breaker.Broke(turn);
        }

        Assert.True(_breaker.MayAsk("first"));
    }

    private KindState State => _breaker.State(new QuestionKind(AnswerMechanism.Choice, NoisePlace.Node));

    private static void End(KindBreaker breaker, KindTurn turn, int how)
    {
        if (how == 0)
        {
            breaker.Answered(turn);
        }
        else if (how == 1)
        {
            breaker.Left(turn);
        }
        else
        {
            breaker.Broke(turn);
        }
    }

    private void Break(string asker, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _breaker.Broke(_breaker.TryEnter(asker)!.Value);
        }
    }
}
