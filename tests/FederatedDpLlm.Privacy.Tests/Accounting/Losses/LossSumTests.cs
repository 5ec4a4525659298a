using System.Numerics;
using FederatedDpLlm.Privacy.Accounting.Losses;
using FederatedDpLlm.Privacy.Tests.Recorded;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>Sums of losses against plain sums and plain convolutions: moments, tilted masses, transforms, and what a window of them says.</summary>
public sealed class LossSumTests
{
    private const double Step = 0.05;
    private static readonly LossGrid Wide = LossGrid.Of(new GaussianPair(0.6), Step, 1e-12);
    private static readonly LossGrid Narrow = LossGrid.Of(new LaplacePair(0.45), Step, 1e-12);
    private static readonly (LossGrid Grid, long Count)[] Parts = [(Wide, 3), (Narrow, 2)];

    [Theory, InlineData(0.3), InlineData(2.5), InlineData(40)]
    public void Moments_are_those_of_the_plain_sums(double theta)
    {
        foreach (var above in new[] { true, false })
        {
            double log = 0, mean = 0, variance = 0;
            foreach (var (grid, count) in Parts)
            {
                var masses = above ? grid.Upper : grid.Lower;
                var losses = masses.Select((_, i) => grid.Origin + (i * Step)).ToArray();
                var weights = masses.Zip(losses, (mass, loss) => mass * Math.Exp(theta * loss)).ToArray();
                var center = weights.Zip(losses, (weight, loss) => weight * loss).Sum() / weights.Sum();
                log += count * Math.Log(weights.Sum());
                mean += count * center;
                variance += count * weights.Zip(losses, (weight, loss) => weight * (loss - center) * (loss - center)).Sum() / weights.Sum();
            }

            var moments = LossMoments.Of(Parts, theta, above);
            Assert.Equal(log, moments.Log, 1e-11 * (1 + Math.Abs(log)));
            Assert.Equal(mean, moments.Mean, 1e-11);
            Assert.Equal(variance, moments.Variance, 1e-9);
        }
    }

    [Fact]
    public void Nothing_has_no_moments() => Assert.Equal(new LossMoments(double.NegativeInfinity, 0, 0), LossMoments.Of([(LossGrid.Of(new AtomicPair([new(1, 0), new(0, 1)]), 0.1, 1e-9), 1)], 1));

    [Theory, InlineData(0.01), InlineData(-0.4)]
    public void Tilted_masses_wrap_round_the_circle(double exponent)
    {
        var mass = Enumerable.Range(0, 200).Select(i => 1.0 / (1 + i)).ToArray();
        var circle = new double[64];
        var log = LossMoments.Tilt(mass, exponent, circle);
        var sum = mass.Select((m, i) => m * Math.Exp(exponent * i)).Sum();
        Assert.Equal(Math.Log(sum), log, 1e-12);
        for (var at = 0; at < 64; at++)
        {
            Assert.Equal(mass.Select((m, i) => i % 64 == at ? m * Math.Exp(exponent * i) : 0).Sum() / sum, circle[at], 1e-14);
        }

        Assert.Equal(double.NegativeInfinity, LossMoments.Tilt(new double[5], exponent, circle));
        // Shorter than the circle: the rest stays empty.
        circle.AsSpan().Clear();
        LossMoments.Tilt([1, 1], 0, circle);
        Assert.Equal([0.5, 0.5, 0, 0], circle[..4]);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(7), InlineData(1000)]
    public void Powers_are_those_of_complex_numbers(long exponent)
    {
        var numbers = Enumerable.Range(0, 8).Select(k => Complex.FromPolarCoordinates(1 - (k * 1e-4), k)).ToArray();
        double[] real = [.. numbers.Select(z => z.Real)], imaginary = [.. numbers.Select(z => z.Imaginary)];
        ComplexPower.Raise(real, imaginary, exponent);
        for (var k = 0; k < 8; k++)
        {
            var slow = Complex.FromPolarCoordinates(Math.Pow(1 - (k * 1e-4), exponent), (double)k * exponent);
            Assert.Equal(slow.Real, real[k], 1e-12 * (1 + exponent));
            Assert.Equal(slow.Imaginary, imaginary[k], 1e-12 * (1 + exponent));
        }

        ComplexPower.Multiply(real, imaginary, [2, 0, 1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0, 0, 0]);
        var second = Complex.FromPolarCoordinates(Math.Pow(1 - 2e-4, exponent), 2.0 * exponent) * new Complex(1, 1);
        Assert.Equal((second.Real, second.Imaginary), (real[2], imaginary[2]), (one, other) => Math.Abs(one.Item1 - other.Item1) + Math.Abs(one.Item2 - other.Item2) < 1e-9);
        Assert.Equal(2, real[0], 1e-12);
    }

    // Three of one and two of another kind, by convolution; the circle is longer than the sum, so that nothing wraps.
    [Fact]
    public void The_transform_of_both_is_the_convolution_of_each_within_its_error()
    {
        const int Points = 4096;
        const double Exponent = 0.03;
        var spectrum = new PairSpectrum(Points);
        var logs = Parts.Select(part => spectrum.MultiplyBy(part.Grid, Exponent, part.Count)).ToArray();
        var (above, below, error) = spectrum.Sums(0);
        foreach (var (transformed, masses, sides) in new[] { (above, Masses(true), logs.Select(log => log.Above)), (below, Masses(false), logs.Select(log => log.Below)) })
        {
            var tilted = masses.Select((mass, i) => mass * Math.Exp(Exponent * i)).ToArray();
            var log = sides.Zip(Parts, (side, part) => side * part.Count).Sum();
            Assert.Equal(Math.Log(tilted.Sum()), log, 1e-11);
            var difference = Math.Sqrt(transformed.Select((mass, i) => Math.Pow(mass - (i < tilted.Length ? tilted[i] / tilted.Sum() : 0), 2)).Sum());
            Assert.InRange(difference, 0, error);
        }

        // 8 u log2 N over inputs and twice the output, and 3 u a loss: some 1e-14.
        Assert.InRange(error, 1e-14, 1e-13);
        var (shifted, _, _) = Again().Sums(5);
        Assert.Equal(above[5], shifted[0], 1e-14);

        static PairSpectrum Again()
        {
            var spectrum = new PairSpectrum(Points);
            Array.ForEach(Parts, part => spectrum.MultiplyBy(part.Grid, Exponent, part.Count));
            return spectrum;
        }
    }

    [Theory, InlineData(1), InlineData(6), InlineData(12)]
    public void A_range_leaves_next_to_nothing_outside_and_is_not_much_wider_than_the_best_bound(double theta)
    {
        var range = LossRange.Of(Parts, theta)!;
        Assert.Equal(theta, range.Theta);
        double top = double.NegativeInfinity, bottom = double.PositiveInfinity;
        foreach (var above in new[] { true, false })
        {
            var masses = Masses(above);
            var origin = Parts.Sum(part => part.Count * part.Grid.Origin);
            var tilted = masses.Select((mass, i) => mass * Math.Exp(theta * (origin + (i * Step)))).ToArray();
            Assert.True(tilted.Where((_, i) => origin + (i * Step) > range.Highest).Sum() <= LossRange.Outside * tilted.Sum());
            Assert.True(tilted.Where((_, i) => origin + (i * Step) < range.Lowest).Sum() <= LossRange.Outside * tilted.Sum());
            double Bound(double shift) => (LossMoments.Of(Parts, theta + shift, above).Log - LossMoments.Of(Parts, theta, above).Log + 36) / shift;
            var shifts = Enumerable.Range(1, 1100).Select(i => 0.05 * i).ToArray();
            (top, bottom) = (Math.Max(top, shifts.Min(Bound)), Math.Min(bottom, shifts.Max(shift => Bound(-shift))));
        }

        var support = Parts.Sum(part => part.Count * (part.Grid.Origin + ((part.Grid.Upper.Length - 1) * Step)));
        var (most, mean) = (Math.Min(top, support), LossMoments.Of(Parts, theta).Mean);
        Assert.InRange(range.Highest, most - 1e-2, most + (0.1 * (most - mean)));
        Assert.InRange(range.Lowest, Math.Max(bottom, Parts.Sum(part => part.Count * part.Grid.Origin)) - (0.1 * (mean - bottom)), mean);
        Assert.Equal(Math.Exp(-36), LossRange.Outside, 1e-25);
        Assert.Null(LossRange.Of([(LossGrid.Of(new AtomicPair([new(1, 0), new(0, 1)]), 0.1, 1e-9), 1)], 1));
    }

    [Fact]
    public void Tilts_solve_the_equation_of_the_best_bound()
    {
        var composition = new LossComposition(Parts);
        foreach (var delta in new[] { 1e-3, 1e-6, 1e-10 })
        {
            // theta K' - K + ln(1 + theta) = ln(1/delta); six halvings of a bracket.
            double Equation(double t) => LossMoments.Of(Parts, t) is var m ? (t * m.Mean) - m.Log + Math.Log(1 + t) + Math.Log(delta - composition.Infinite) : 0;
            var tilt = composition.TiltForDelta(delta);
            Assert.True(Equation(tilt) <= 0 && Equation(tilt * 1.12) >= 0, $"{tilt}: {Equation(tilt)}, {Equation(tilt * 1.12)}");
        }

        foreach (var epsilon in new[] { 0.5, 2, 5 })
        {
            double Equation(double t) => LossMoments.Of(Parts, t).Mean + Math.Log(t / (1 + t)) - epsilon;
            var tilt = composition.TiltForEpsilon(epsilon);
            Assert.True(Equation(tilt) <= 0 && Equation(tilt * 1.12) >= 0, $"{tilt}: {Equation(tilt)}, {Equation(tilt * 1.12)}");
        }

        // What cannot be solved ends at an end of the search.
        Assert.InRange(composition.TiltForEpsilon(-1000), 1e-3, 1.01e-3);
        Assert.InRange(composition.TiltForEpsilon(1e6), 0.85 * Math.Min(600 / 9.0, 8 / Step), Math.Min(1000, 8 / Step));
        Assert.Equal(Step, composition.Step);
        Assert.Equal(1 - (Math.Pow(1 - Wide.Infinite, 3) * Math.Pow(1 - Narrow.Infinite, 2)), composition.Infinite, 1e-15);
    }

    [Fact]
    public void A_window_says_what_the_plain_sum_says()
    {
        const double Slack = 1e-9;
        var (above, below) = TiltedWindow.Of(Parts, 2, Slack)!.Value;
        foreach (var (window, masses, up) in new[] { (above, Masses(true), true), (below, Masses(false), false) })
        {
            var origin = Parts.Sum(part => part.Count * part.Grid.Origin);
            foreach (var epsilon in new[] { 0.7, 1.93, 3 })
            {
                var beyond = masses.Select((mass, i) => (Mass: mass, Loss: origin + (i * Step))).Where(point => point.Loss > epsilon).ToArray();
                var (p, delta) = (beyond.Sum(point => point.Mass), beyond.Sum(point => point.Mass * (1 - Math.Exp(epsilon - point.Loss))));
                var said = window.DeltaAt(epsilon, 1e-5, up);
                // Off by the slack of what lies above, and by hardly anything else.
                Assert.Equal(delta + 1e-5 + ((up ? 1 : -1) * Slack * p), said, (1e-3 * Slack * p) + 1e-12);
                Assert.Equal(epsilon, window.EpsilonAt(said, 1e-5, up), 1e-7);
            }

            Assert.Equal(0, window.EpsilonAt(0.9, 0, up));
            Assert.InRange(window.EpsilonAt(1e-9, 0, up), 3, 9);
        }

        Assert.Null(TiltedWindow.Of([(LossGrid.Of(new AtomicPair([new(1, 0), new(0, 1)]), 0.1, 1e-9), 1)], 1, Slack));
        Assert.Throws<ArithmeticException>(() => TiltedWindow.Of([(Wide, 1_000_000_000_000)], 1e-3, Slack));
    }

    // How much of delta and epsilon the computation charges for its own errors: no more and no less than it did (to 2 per cent, as the difference of two nearly equal numbers is not known better).
    [Fact]
    public void What_is_charged_for_rounding_is_what_it_was()
    {
        var record = new RecordedFigures();
        foreach (var theta in new[] { 0.5, 2, 4 })
        {
            var (above, _) = TiltedWindow.Of(Parts, theta, 1e-13)!.Value;
            record.Compare($"rounding at {theta:R}", 0.02, [.. new[] { -0.5, 0.7, 3 }.Select(epsilon => above.DeltaAt(epsilon, 0, true) - above.DeltaAt(epsilon, 0, false))]);
            record.Compare($"rounding of epsilon at {theta:R}", 0.02, [.. new[] { 1e-3, 1e-6 }.Select(delta => above.EpsilonAt(delta, 0, true) - above.EpsilonAt(delta, 0, false))]);
        }

        record.Compare("lattice for these parts", 1e-9, [.. new[] { 0.5, 4, 11 }.Select(new LossComposition(Parts).StepFor)]);
        record.AssertUnchanged();
    }

    private static double[] Masses(bool above)
    {
        double[] sum = [1];
        foreach (var (grid, count) in Parts)
        {
            for (var i = 0; i < count; i++)
            {
                var (one, other) = (sum, above ? grid.Upper : grid.Lower);
                sum = new double[one.Length + other.Length - 1];
                for (var a = 0; a < one.Length; a++)
                {
                    for (var b = 0; b < other.Length; b++)
                    {
                        sum[a + b] += one[a] * other[b];
                    }
                }
            }
        }

        return sum;
    }
}
