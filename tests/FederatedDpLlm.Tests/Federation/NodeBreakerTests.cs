using FederatedDpLlm.Federation.Nodes.Links;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Federation;

/// <summary>When a node is left alone, and for how long.</summary>
public sealed class NodeBreakerTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly NodeBreaker _breaker;

    public NodeBreakerTests() => _breaker = new NodeBreaker(_clock);

    [Fact]
    public void Breaks_in_a_row_take_a_node_out_and_an_answer_between_them_does_not_let_it_come_to_that()
    {
        for (var round = 0; round < 10; round++)
        {
            _breaker.Broke(trial: false);
            _breaker.Broke(trial: false);
            Assert.True(_breaker.MayAsk);
            _breaker.Answered();
        }

        Break(NodeBreaker.MostBreaks);
        Assert.False(_breaker.MayAsk);
        Assert.False(_breaker.TryEnter(out _));
        Assert.NotNull(_breaker.Trouble);
    }

    [Fact]
    public void After_each_pause_one_question_is_let_through_and_its_break_doubles_the_pause_up_to_an_hour()
    {
        Break(NodeBreaker.MostBreaks);
        var (pause, trials, elapsed) = (NodeBreaker.FirstPause, 0, TimeSpan.Zero);
        while (pause < NodeBreaker.LongestPause)
        {
            Assert.Equal(pause, _breaker.Pause);
            _clock.Advance(pause - TimeSpan.FromTicks(1));
            Assert.False(_breaker.TryEnter(out _));
            _clock.Advance(TimeSpan.FromTicks(1));
            Assert.True(_breaker.TryEnter(out var trial) && trial);
            Assert.False(_breaker.TryEnter(out _));
            _breaker.Broke(trial);
            (pause, trials, elapsed) = (pause * 2, trials + 1, elapsed + pause);
        }

        Assert.Equal(NodeBreaker.LongestPause, _breaker.Pause);

        // What a node that never comes back costs: ten questions in its first hours, then one an hour.
        Assert.InRange(trials, 1, 10);
        Assert.InRange(elapsed.TotalHours, 1, 2);
    }

    [Fact]
    public void An_answer_brings_a_node_back_and_the_next_pause_is_short_again()
    {
        Break(NodeBreaker.MostBreaks);
        _clock.Advance(NodeBreaker.FirstPause);
        Assert.True(_breaker.TryEnter(out _));
        _breaker.Answered();
        Assert.True(_breaker.TryEnter(out var trial) && !trial);
        Assert.Null(_breaker.Trouble);
        Break(NodeBreaker.MostBreaks);
        Assert.Equal(NodeBreaker.FirstPause, _breaker.Pause);
    }

    [Fact]
    public void Breaks_of_questions_that_were_under_way_when_a_node_was_taken_out_do_not_lengthen_its_pause()
    {
        Break(NodeBreaker.MostBreaks + 20);
        Assert.Equal(NodeBreaker.FirstPause, _breaker.Pause);
    }

    [Fact]
    public void A_trial_that_says_nothing_leaves_its_place_to_the_next()
    {
        Break(NodeBreaker.MostBreaks);
        _clock.Advance(NodeBreaker.FirstPause);
        Assert.True(_breaker.TryEnter(out var trial));
        _breaker.Left(trial: false);
        Assert.False(_breaker.MayAsk);
        _breaker.Left(trial);
        Assert.True(_breaker.TryEnter(out trial) && trial);
        Assert.Equal(NodeBreaker.FirstPause, _breaker.Pause);
    }

    private void Break(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _breaker.Broke(trial: false);
        }
    }
}
