using CsCheck;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Renyi divergences of events with atoms, against the definition: ln sum P^alpha Q^(1-alpha) over alpha - 1, outcome by outcome, in both directions.</summary>
public sealed class RenyiBySummationTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private static readonly Gen<double> Order = Gen.OneOf(Gen.Const(1.0), Gen.Double[1.05, 3], Gen.Double[3, 40]);

    [Fact]
    public void Discrete_Laplace_noise_loses_what_its_outcomes_sum_to() => Gen.Select(Gen.Double[0.4, 8], Gen.Int[1, 7], Order).Sample((scale, sensitivity, order) =>
    {
        var reach = (int)(40 * scale) + sensitivity;
        double Mass(int x) => Math.Tanh(1 / (2 * scale)) * Math.Exp(-Math.Abs(x) / scale);
        var outcomes = Enumerable.Range(-reach, (2 * reach) + 1).Select(x => (Mass(x), Mass(x - sensitivity)));
        Near(Divergence(outcomes, order), new DiscreteLaplaceEvent(scale, sensitivity, Add), order);
    }, iter: 300);

    [Fact]
    public void A_randomized_response_loses_what_its_outcomes_sum_to() => Gen.Select(Gen.Double[0.02, 0.98], Gen.Int[2, 9], Order).Sample((noise, buckets, order) =>
    {
        double[] truth = [1 - noise + (noise / buckets), .. Enumerable.Repeat(noise / buckets, buckets - 1)];
        double[] another = [truth[1], truth[0], .. truth[2..]];
        double[] uniform = [.. Enumerable.Repeat(1.0 / buckets, buckets)];
        Near(Divergence(truth.Zip(another), order), new RandomizedResponseEvent(noise, buckets, Replace), order);
        Near(Math.Max(Divergence(truth.Zip(uniform), order), Divergence(uniform.Zip(truth), order)), new RandomizedResponseEvent(noise, buckets, NeighbouringRelation.ReplaceByNothing), order);
    }, iter: 500);

    [Fact]
    public void A_pure_epsilon_loses_what_the_two_outcomes_of_its_worst_pair_sum_to() => Gen.Select(Gen.Double[0.01, 6], Order).Sample((epsilon, order) =>
    {
        var likely = 1 / (1 + Math.Exp(-epsilon));
        Near(Divergence([(likely, 1 - likely), (1 - likely, likely)], order), new PureEvent(new(epsilon), Replace), order);
    }, iter: 500);

    // Any t gives a pair of outcomes with log ratios t and t - eta; the worst is found by trisection, as the divergence has one maximum.
    [Fact]
    public void A_bounded_range_loses_what_its_worst_pair_of_outcomes_sums_to() => Gen.Select(Gen.Double[0.05, 6], Order).Sample((eta, order) =>
    {
        double At(double t)
        {
            double less = Math.Exp(t - eta), more = Math.Exp(t), second = (1 - less) / (more - less);
            return Divergence([(second * more, second), (1 - (second * more), 1 - second)], order);
        }

        double low = 1e-9, high = eta - 1e-9;
        for (var i = 0; i < 200; i++)
        {
            double left = low + ((high - low) / 3), right = high - ((high - low) / 3);
            (low, high) = At(left) < At(right) ? (left, high) : (low, right);
        }

        Near(At(low), new ExponentialMechanismEvent(eta, Replace), order, 1e-6);
    }, iter: 200);

    // Between the two corners by Simpson's rule, beyond them in closed form: there the ratio is constant.
    [Fact]
    public void Laplace_noise_loses_what_its_density_integrates_to() => Gen.Select(Gen.Double[0.05, 4], Order).Sample((epsilon, order) =>
    {
        double Density(double x, bool second) => 0.5 * Math.Exp(-Math.Abs(x - (second ? epsilon : 0)));
        const int Steps = 4000;
        double Integral(Func<double, double, double> of)
        {
            var sum = (0.5 * of(1, Math.Exp(-epsilon))) + (0.5 * of(Math.Exp(-epsilon), 1));
            for (var i = 0; i <= Steps; i++)
            {
                var x = epsilon * i / Steps;
                sum += of(Density(x, false), Density(x, true)) * (i is 0 or Steps ? 1 : i % 2 == 0 ? 2 : 4) * epsilon / Steps / 3;
            }

            return sum;
        }

        var expected = order == 1 ? Integral((p, q) => p * Math.Log(p / q)) : Math.Log(Integral((p, q) => p * Math.Pow(p / q, order - 1))) / (order - 1);
        Near(expected, new LaplaceEvent(1 / epsilon, Add), order, 1e-7);
    }, iter: 150);

    // Wang, Balle, Kasiviswanathan, arXiv:1808.00087, Theorem 9 with the central moments of Proposition 12 by their binomial expansion.
    [Fact]
    public void A_Gaussian_sampled_without_replacement_loses_what_the_theorem_says() => Gen.Select(Gen.Int[1, 400], Gen.Double[0.7, 3], Gen.Double[1.2, 6]).Sample((sample, noise, order) =>
    {
        double rate = sample / 1000.0, mu = 1 / noise;
        double Log(int alpha) => Math.Log(1 + Enumerable.Range(2, alpha - 1).Sum(j => Choose(alpha, j) * Math.Pow(rate, j) * Zeta(j)));
        double Zeta(int j) => j == 2
            ? Math.Min(4 * (Math.Exp(mu * mu) - 1), 2 * Math.Exp(mu * mu))
            : Math.Min(4 * Math.Sqrt(Central(j / 2 * 2) * Central((j + 1) / 2 * 2)), 2 * Math.Exp(0.5 * j * (j - 1) * mu * mu));
        double Central(int l) => Enumerable.Range(0, l + 1).Sum(i => Choose(l, i) * ((l - i) % 2 == 0 ? 1 : -1) * Math.Exp(0.5 * i * (i - 1) * mu * mu));
        double Bound(double alpha)
        {
            int floor = (int)alpha, ceiling = (int)Math.Ceiling(alpha);
            var between = floor == ceiling ? Log(floor) : ((ceiling - alpha) * (floor == 1 ? 0 : Log(floor))) + ((alpha - floor) * Log(ceiling));
            return Math.Min(0.5 * alpha * mu * mu, between / (alpha - 1));
        }

        var released = new SampledWithoutReplacementEvent(1000, sample, new GaussianEvent(noise, Replace));
        foreach (var alpha in new[] { order, Math.Ceiling(order) })
        {
            Near(Bound(alpha), released, alpha, 1e-6);
        }

        Near(Math.Min(0.5 * mu * mu, Log(2)), released, 1, 1e-6);
    }, iter: 200);

    // Beyond a plain sum: C(alpha, j) q^j 2 e^(j (j-1) mu^2/2) dominates, by the largest of its logarithms.
    [Theory, InlineData(256, 0.5, 0.9), InlineData(200, 0.3, 0.8)]
    public void At_large_orders_sampling_without_replacement_still_helps(int order, double rate, double noise)
    {
        var squared = 1 / (noise * noise);
        var logs = Enumerable.Range(2, order - 1).Select(j => LogChoose(order, j) + (j * Math.Log(rate)) + Math.Log(2) + (0.5 * j * (j - 1) * squared)).Append(0).ToArray();
        var expected = (logs.Max() + Math.Log(logs.Sum(log => Math.Exp(log - logs.Max())))) / (order - 1);
        Assert.True(expected < 0.5 * order * squared);
        Near(expected, new SampledWithoutReplacementEvent(1000, (long)(1000 * rate), new GaussianEvent(noise, Replace)), order, 1e-9);
    }

    [Fact]
    public void Degenerate_samples_without_replacement_are_all_or_nothing()
    {
        var whole = new GaussianEvent(2, Replace);
        Assert.Equal(0, Renyi.DivergenceOf(new SampledWithoutReplacementEvent(10, 0, whole), new(3)));
        Assert.Equal(Renyi.DivergenceOf(whole, new(3)), Renyi.DivergenceOf(new SampledWithoutReplacementEvent(10, 10, whole), new(3)));
        var sharp = new GaussianEvent(0.05, Replace);
        Assert.Equal(Renyi.DivergenceOf(sharp, new(3)), Renyi.DivergenceOf(new SampledWithoutReplacementEvent(10, 5, sharp), new(3)));
        Assert.Equal(Renyi.DivergenceOf(whole, new(300)), Renyi.DivergenceOf(new SampledWithoutReplacementEvent(10, 5, whole), new(300)));
        Assert.Equal(Renyi.DivergenceOf(new LaplaceEvent(1, Replace), new(3)), Renyi.DivergenceOf(new SampledWithoutReplacementEvent(10, 5, new LaplaceEvent(1, Replace)), new(3)));
    }

    // Under replacement a sampled unit is drawn or not, and it is as if that were seen: 1 - q + q M.
    [Fact]
    public void A_masked_sample_loses_its_part_of_the_moment() => Gen.Select(Gen.Double[0.01, 0.9], Gen.Double[0.3, 3], Order).Sample((rate, noise, order) =>
    {
        var part = new GaussianEvent(noise, Replace);
        var whole = Renyi.DivergenceOf(part, new(order));
        var exponent = (order - 1) * whole;
        var expected = order == 1 ? rate * whole : exponent < 500 ? Math.Log(1 - rate + (rate * Math.Exp(exponent))) / (order - 1) : whole + (Math.Log(rate) / (order - 1));
        Near(expected, new PoissonSampledEvent(rate, part), order);
    }, iter: 300);

    // Zhu, Wang, ICML 2019, Theorem 5, term by term, at whole orders; fractional ones take the next.
    [Fact]
    public void A_sampled_event_of_any_kind_loses_what_the_general_theorem_says() => Gen.Select(Gen.Double[0.01, 0.9], Gen.Double[0.2, 2], Gen.Int[2, 12], Gen.Double[0, 0.9]).Sample((rate, epsilon, whole, less) =>
    {
        var part = new PureEvent(new(epsilon), Add);
        double Of(double order) => Renyi.DivergenceOf(part, new(order));
        var sum = Math.Pow(1 - rate, whole - 1) * (1 + ((whole - 1) * rate));
        for (var l = 2; l <= whole; l++)
        {
            sum += (l == 2 ? 1 : 3) * Choose(whole, l) * Math.Pow(1 - rate, whole - l) * Math.Pow(rate, l) * Math.Exp((l - 1) * Of(l));
        }

        var order = Math.Max(1, whole - less);
        Near(Math.Min(Of(order), Math.Log(sum) / (whole - 1)), new PoissonSampledEvent(rate, part), order, 1e-8);
    }, iter: 300);

    private static double Divergence(IEnumerable<(double P, double Q)> outcomes, double order) => order == 1
        ? outcomes.Sum(outcome => outcome.P * Math.Log(outcome.P / outcome.Q))
        : Math.Log(outcomes.Sum(outcome => outcome.P * Math.Pow(outcome.P / outcome.Q, order - 1))) / (order - 1);

    // Never below, but for the rounding of the reference itself; above by no more than the tolerance.
    private static void Near(double expected, PrivacyEvent released, double order, double tolerance = 1e-9)
    {
        var computed = Renyi.DivergenceOf(released, new(order));
        Assert.InRange(computed, (expected * (1 - tolerance)) - 1e-12, (expected * (1 + tolerance)) + 1e-12);
    }

    private static double LogChoose(int n, int k) => Enumerable.Range(1, k).Sum(i => Math.Log((n - k + i) / (double)i));

    private static double Choose(int n, int k) => Math.Round(Math.Exp(LogChoose(n, k)));
}
