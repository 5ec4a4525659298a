using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Mechanisms;

public sealed class AboveThresholdTests
{
    private const NeighbouringRelation Relation = NeighbouringRelation.AddOrRemoveOne;

    [Theory, InlineData(0.1, 1, false), InlineData(1.0, 5, false), InlineData(1.0, 5, true), InlineData(4.0, 100, true)]
    public void The_whole_run_costs_what_was_asked_for(double epsilon, int positives, bool monotone)
    {
        var test = AboveThreshold.ForEpsilon(new(epsilon), new(1, Relation), positives, monotone);
        Assert.InRange(test.Epsilon.Value, epsilon * (1 - 1e-12), epsilon);
        var split = (AboveThresholdEvent)test.Event;
        Assert.Equal(Math.Pow((monotone ? 1 : 2) * positives, 2.0 / 3), split.TestsEpsilon.Value / split.ThresholdEpsilon.Value, 1e-9);
        Assert.Equal(positives, split.MostPositives);
        Assert.Equal(Relation, split.Relation);
    }

    /*
     * P(yes) of one test is the chance that the difference of two discrete Laplace numbers is at least threshold - value, summed here directly. False-alarm rate 2e-8 a row. Scales: epsilon 1,
     * c 1: ratio 2^(2/3), so the threshold's scale is 1 + 2^(2/3) and the test's 2 (1 + 2^(-2/3)).
     */
    [Theory, InlineData(-4), InlineData(0), InlineData(3)]
    public void A_test_says_yes_as_often_as_its_noise_does(int gap)
    {
        var test = AboveThreshold.ForEpsilon(new(1), new(1, Relation), 1);
        var (threshold, noise) = (Pmf(1 + Math.Pow(2, 2.0 / 3)), Pmf(2 * (1 + Math.Pow(2, -2.0 / 3))));
        var yes = 0.0;
        for (var t = -150; t <= 150; t++)
        {
            for (var n = t - gap; n <= 250; n++)
            {
                yes += threshold(t) * noise(n);
            }
        }

        var observed = new long[2];
        var random = new SeededRandom(5);
        for (var i = 0; i < 100_000; i++)
        {
            observed[test.Start(10, random).IsAbove(10 + gap) ? 1 : 0]++;
        }

        ChiSquared.AssertFits(observed, [1 - yes, yes]);
    }

    [Fact]
    public void It_ends_after_the_answers_that_were_paid_for_and_negative_ones_are_free()
    {
        var run = AboveThreshold.ForEpsilon(new(2), new(1, Relation), 3).Start(0, new SeededRandom(7));
        for (var i = 0; i < 1000; i++)
        {
            Assert.False(run.IsAbove(-100_000));
        }

        for (var i = 1; i <= 3; i++)
        {
            Assert.False(run.IsOver);
            Assert.True(run.IsAbove(100_000));
            Assert.Equal(i, run.Positives);
        }

        Assert.True(run.IsOver);
        Assert.Throws<InvalidOperationException>(() => run.IsAbove(long.MinValue));
        Assert.True(AboveThreshold.ForEpsilon(new(1), new(1, Relation), 1).Start(long.MinValue, new SeededRandom(7)).IsAbove(long.MaxValue));
    }

    [Fact]
    public void What_cannot_be_paid_for_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AboveThreshold.ForEpsilon(default, new(1, Relation), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AboveThreshold.ForEpsilon(new(1), new(1, Relation), 0));
        Assert.Throws<ArgumentNullException>(() => AboveThreshold.ForEpsilon(new(1), new(1, Relation), 1).Start(0, null!));
    }

    private static Func<int, double> Pmf(double scale) => x => Math.Tanh(1 / (2 * scale)) * Math.Exp(-Math.Abs(x) / scale);
}
