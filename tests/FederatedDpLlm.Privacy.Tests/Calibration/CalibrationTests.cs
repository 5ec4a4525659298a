using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Mechanisms;

namespace FederatedDpLlm.Privacy.Tests.Calibration;

/// <summary>From a promise to noise and back: never above the promise, and next to nothing below it.</summary>
public sealed class CalibrationTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    private static Gen<(Epsilon Epsilon, Delta Delta)> Promise { get; } =
        Gen.Select(Gen.Double[-1.3, 1], Gen.Double[-9, -3]).Select((logEpsilon, logDelta) => (new Epsilon(Math.Pow(10, logEpsilon)), new Delta(Math.Pow(10, logDelta))));

    [Fact]
    public void Every_kind_of_noise_is_calibrated_and_read_back() => Gen.Select(Promise, Gen.Int[0, 7], Gen.Int[1, 30]).Sample((promise, kind, count) =>
    {
        Func<double, PrivacyEvent> plan = kind switch
        {
            0 => noise => new GaussianEvent(noise, Add),
            1 => noise => new LaplaceEvent(noise, Add),
            2 => noise => new DiscreteLaplaceEvent(noise, 1, Add),
            3 => noise => new DiscreteGaussianEvent(Math.Min(noise, 90_000), 1, Add),
            4 => noise => new ExponentialMechanismEvent(1 / noise, Replace),
            5 => noise => new PermuteAndFlipEvent(new(1 / noise), Replace),
            6 => noise => new TreeAggregationEvent(noise, 100, Add),
            _ => noise => new MatrixMechanismEvent(noise, 1.3, 4, Add),
        };
        var smallest = NoiseCalibration.Smallest(noise => plan(noise).Times(count), promise.Epsilon, promise.Delta);
        double Cost(double noise) => PrivacyLoss.EpsilonAt(plan(noise).Times(count), promise.Delta).Upper;
        Assert.InRange(Cost(smallest), 0, promise.Epsilon.Value);
        Assert.True(Cost(smallest * 0.999) > promise.Epsilon.Value * (1 - 1e-3), $"kind {kind}: a thousandth less noise still keeps {promise}");
    }, iter: 60, threads: 1);

    [Fact]
    public void Mechanisms_made_for_a_promise_keep_it_by_the_accountant() => Promise.Sample(promise =>
    {
        var (epsilon, delta) = promise;
        Assert.InRange(PureDp.EpsilonOf(ExponentialMechanism.ForEpsilon(epsilon, Replace).Event), epsilon.Value * (1 - 1e-5), epsilon.Value);
        Assert.InRange(PureDp.EpsilonOf(PermuteAndFlip.ForEpsilon(epsilon, Replace).Event), epsilon.Value * (1 - 1e-5), epsilon.Value);
        Assert.InRange(LaplaceMechanism.ForEpsilon(epsilon, new(1, Replace)).Epsilon.Value, epsilon.Value * (1 - 1e-5), epsilon.Value);
        var gaussian = GaussianMechanism.ForEpsilon(epsilon, delta, new(1, Replace), 10);

        // The sampler's sigma is at most 2^-9 above what the analytic calibration asks for, and epsilon falls no faster than 1/sigma^2.
        Assert.InRange(PrivacyLoss.EpsilonAt(gaussian.Event, delta).Upper, epsilon.Value * (1 - 5e-3), epsilon.Value);
        var sigma = NoiseCalibration.GaussianSigma(epsilon, delta, 3);
        Assert.InRange(PrivacyLoss.EpsilonAt(new GaussianEvent(sigma / 3, Replace), delta).Upper, epsilon.Value * (1 - 1e-9), epsilon.Value * (1 + 1e-12));
    }, iter: 300);

    [Theory, InlineData(2, 1e-5, 1000, 0.02), InlineData(8, 1e-6, 300, 0.1)]
    public void A_training_run_of_T_steps_at_rate_q_keeps_its_promise(double epsilon, double delta, long steps, double rate)
    {
        PrivacyEvent Run(double noise) => new PoissonSampledEvent(rate, new GaussianEvent(noise, Add)).Times(steps);
        var noise = NoiseCalibration.Smallest(Run, new(epsilon), new(delta));
        var bracket = PrivacyLoss.EpsilonAt(Run(noise), new(delta));
        Assert.InRange(bracket.Upper, epsilon * (1 - 1e-4), epsilon);
        Assert.True(bracket.Lower >= epsilon * 0.999, $"{bracket}");
        Assert.True(NoiseCalibration.Smallest(Run, new(epsilon), new(delta), (released, at) => Renyi.EpsilonAt(released, at)) >= noise);
    }

    [Theory, InlineData(4, 1e-6, 128, 100), InlineData(10, 1e-6, 64, 20)]
    public void An_answer_of_many_tokens_over_many_voters_keeps_its_promise(double epsilon, double delta, int tokens, int voters)
    {
        var decoding = ClippedLogitDecoding.ForEpsilon(new(epsilon), new(delta), tokens, voters, 1, Replace);
        var rho = ZeroConcentrated.RhoOf(decoding.Event(tokens));
        Assert.InRange(ZeroConcentrated.EpsilonAt(new(rho), new(delta)), epsilon * (1 - 1e-4), epsilon);
        Assert.True(PrivacyLoss.EpsilonAt(decoding.Event(tokens), new(delta)).Upper <= epsilon);

        // rho = 2 C^2/(s^2 tau^2) a token where a patient can turn a voter from anything into anything.
        Assert.Equal(2 * decoding.ClipNorm * decoding.ClipNorm / voters / voters, decoding.RhoPerToken.Value, 1e-8 * decoding.RhoPerToken.Value + 1e-12);
    }

    [Fact]
    public void Twenty_votes_a_day_for_a_year_keep_their_promise()
    {
        Delta delta = new(1e-6);
        const int Votes = 20 * 365;
        var each = Math.Sqrt(8 * ZeroConcentrated.RhoFor(new(10), delta).Value / Votes);
        var all = ExponentialMechanism.ForEpsilon(new(each), Replace).Event.Times(Votes);
        Assert.InRange(ZeroConcentrated.EpsilonAt(new(ZeroConcentrated.RhoOf(all)), delta), 10 * (1 - 1e-5), 10);
        Assert.True(PrivacyLoss.EpsilonAt(all, delta).Upper <= 10 * (1 + 1e-9));
    }

    // Section C5 of the design's background: a weekly epsilon of 1 is 8.9 after a year, a daily 0.1 is 2.3, both at delta 1e-6.
    [Theory, InlineData(1, 52, 8.914220), InlineData(0.1, 365, 2.335270), InlineData(1, 4, 2.1), InlineData(1, 260, 23.9)]
    public void A_quota_that_refills_adds_up_over_its_windows(double epsilon, long windows, double known)
    {
        var growth = ResetGrowth.After(new(epsilon), new(1e-6), windows, new(1e-6));
        Assert.Equal(known, growth.ConcentratedEpsilon, known > 8 && known < 9 || known < 2.4 && known > 2.2 ? 1e-5 : 0.06);
        Assert.Equal(windows * epsilon, growth.BasicEpsilon, 1e-9);
        Assert.Equal(new ResetGrowth(0, 0), ResetGrowth.After(new(epsilon), new(1e-6), 0, new(1e-6)));
    }

    [Fact]
    public void Windows_are_counted_from_none_to_more_than_any_rho_holds()
    {
        Assert.Equal("windows", Assert.Throws<ArgumentOutOfRangeException>(() => ResetGrowth.After(new(1), new(1e-6), -1, new(1e-6))).ParamName);
        Assert.Equal(new ResetGrowth(double.PositiveInfinity, double.PositiveInfinity), ResetGrowth.After(new(1e300), new(1e-6), long.MaxValue, new(1e-6)));
    }

    // From 1 by factors of 4 until it holds, or no longer does; then by halving the exponent.
    [Theory, InlineData(0.4), InlineData(1), InlineData(1.5), InlineData(7e8), InlineData(3e-9)]
    public void The_smallest_that_is_enough_is_met_from_above_within_a_ten_millionth(double least)
    {
        var asked = 0;
        var found = NoiseCalibration.Smallest(x =>
        {
            asked++;
            return x >= least;
        });
        Assert.InRange(found, least, least * (1 + 1.001e-7));
        Assert.InRange(asked, 20, 60);
    }

    [Fact]
    public void The_search_for_noise_ends_at_both_ends()
    {
        Assert.InRange(NoiseCalibration.Smallest(_ => true), 1e-14, 1e-12);
        var most = 0.0;
        Assert.Throws<ArithmeticException>(() => NoiseCalibration.Smallest(x => (most = Math.Max(most, x)) < 0));
        Assert.Equal(Math.Pow(4, 19), most);
        Assert.Throws<ArgumentNullException>(() => NoiseCalibration.Smallest(null!));
        Assert.Throws<ArgumentNullException>(() => NoiseCalibration.Smallest(null!, new(1), new(1e-6)));
    }

    [Fact]
    public void A_promise_that_no_noise_keeps_is_an_error_that_says_so() =>
        Assert.Throws<ArithmeticException>(() => NoiseCalibration.Smallest(noise => new GaussianEvent(noise, Add), new(1), new(0)));
}
