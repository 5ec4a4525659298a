using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Sampled Gaussian noise at order 1, and where the accountant changes from one formula to another.</summary>
public sealed class SampledMomentTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    // E[r ln r - r + 1] under N(0, 1), by a rule six times finer; near r = 1 by 20 terms of the series.
    [Theory, InlineData(1e-7, 1), InlineData(1e-4, 1), InlineData(0.02, 0.4), InlineData(0.3, 2), InlineData(0.01, 6), InlineData(0.9, 0.01)]
    public void At_order_1_it_loses_the_mean_loss(double rate, double mu)
    {
        double step = Math.Min(0.25, 0.5 / mu) / 6, sum = 0;
        for (var z = -12.0; z <= mu + 12; z += step)
        {
            var change = rate * Expm1((mu * z) - (0.5 * mu * mu));
            var term = Math.Abs(change) < 0.05 ? Enumerable.Range(2, 20).Sum(k => Math.Pow(-change, k) / (k * (k - 1.0))) : ((1 + change) * Math.Log(1 + change)) - change;
            sum += term * Math.Exp(-0.5 * z * z) * step;
        }

        var exact = sum / Math.Sqrt(2 * Math.PI);
        Assert.InRange(SampledGaussianRenyi.Divergence(rate, mu, 1), exact * (1 + 0.8e-11), exact * (1 + 1.2e-11));
    }

    [Fact]
    public void Nothing_sampled_costs_more_than_itself_and_what_is_too_sharp_just_that()
    {
        Assert.Equal((0, 0), (SampledGaussianRenyi.Divergence(0, 3, 2), SampledGaussianRenyi.Divergence(0.5, 0, 2)));
        Assert.InRange(SampledGaussianRenyi.Divergence(0.9999999999999999, 1, 2), 1, 1 + 3e-15);

        // mu^2 times the order, as far as 128, may be 1e5: beyond it the unsampled divergence is the answer.
        Assert.Equal(0.5 * 2 * 224 * 224, SampledGaussianRenyi.Divergence(0.01, 224, 2), 1e-7);
        Assert.True(SampledGaussianRenyi.Divergence(0.01, 223, 2) < (223 * 223) - 1);
        Assert.Equal(0.5 * 1000 * 28 * 28, SampledGaussianRenyi.Divergence(0.01, 28, 1000), 1e-6);
        Assert.True(SampledGaussianRenyi.Divergence(0.01, 27, 1000) < 0.5 * 1000 * 27 * 27);
        Assert.Equal(double.PositiveInfinity, SampledGaussianRenyi.Divergence(0.01, 1e200, 2));
    }

    // Above 128 a fractional order takes the next whole one's moment over its own excess.
    [Fact]
    public void Large_fractional_orders_take_the_next_whole_one()
    {
        double At(double order) => SampledGaussianRenyi.Divergence(0.01, 0.5, order);
        Assert.Equal(At(129), At(128.5));
        Assert.NotEqual(At(128), At(127.5));
        Assert.True(At(127.5) < At(128) && At(128) < At(128.5));
    }

    // However little is sampled: what a moment is scaled by must not make it vanish.
    [Theory, InlineData(1e-2, 1), InlineData(1e-5, 1), InlineData(1e-5, 0.3), InlineData(1e-12, 1.5), InlineData(1e-40, 2), InlineData(1e-100, 0.5), InlineData(0.3, 3)]
    public void Divergences_grow_with_the_order_through_fractional_ones(double rate, double mu)
    {
        for (var order = 2; order < 128; order++)
        {
            var (below, between, above) = (SampledGaussianRenyi.Divergence(rate, mu, order), SampledGaussianRenyi.Divergence(rate, mu, order + 0.5), SampledGaussianRenyi.Divergence(rate, mu, order + 1));
            Assert.True(below <= between * (1 + 1e-10) && between <= above * (1 + 1e-10), $"{below:R} {between:R} {above:R} at {order}");
        }
    }

    // All the terms of a binomial sum whose second half rises again: 1e-4 of a Gaussian of mu 1 at order 300.
    [Theory, InlineData(1e-4, 1, 300), InlineData(0.3, 0.05, 1000), InlineData(0.01, 0.25, 90), InlineData(0.5, 0.1, 400), InlineData(1e-6, 0.7, 64)]
    public void Whole_orders_add_up_every_term_that_counts(double rate, double mu, int order)
    {
        double LogTerm(int k)
        {
            var x = 0.5 * k * (k - 1) * mu * mu;
            return Enumerable.Range(1, k).Sum(i => Math.Log((order - k + i) / (double)i)) + ((order - k) * Math.Log(1 - rate)) + (k * Math.Log(rate)) + (x > 40 ? x : Math.Log(Expm1(x)));
        }

        var logs = Enumerable.Range(2, order - 1).Select(LogTerm).ToArray();
        var log = logs.Max() + Math.Log(logs.Sum(one => Math.Exp(one - logs.Max())));
        var exact = (log > 40 ? log : Math.Log(1 + Math.Exp(log)) is var sum && log < -20 ? Math.Exp(log) : sum) / (order - 1);
        Assert.Equal(Math.Min(exact, 0.5 * order * mu * mu), SampledGaussianRenyi.Divergence(rate, mu, order), exact * 1e-9);
    }

    [Fact]
    public void General_bounds_end_where_their_orders_do()
    {
        double Of(PrivacyEvent released, double order) => Renyi.DivergenceOf(released, new(order));
        PrivacyEvent pure = new PureEvent(new(0.3), Add), gaussian = new GaussianEvent(3, Replace);
        Assert.True(Of(new PoissonSampledEvent(0.01, pure), 256) < 0.9 * Of(pure, 256));
        Assert.Equal(Of(pure, 256.5), Of(new PoissonSampledEvent(0.01, pure), 256.5));
        Assert.True(Of(new SampledWithoutReplacementEvent(1000, 1, gaussian), 256) < 0.9 * Of(gaussian, 256));
        Assert.Equal(Of(gaussian, 256.5), Of(new SampledWithoutReplacementEvent(1000, 1, gaussian), 256.5));

        // A mixture too wide for its integral costs what its largest sensitivity does.
        Assert.InRange(Of(new MixtureOfGaussiansEvent(1e-3, [0, 1], [0.9, 0.1], Add), 2), 1e6, 1e6 * (1 + 2e-14));
        Assert.Equal(705 * 705, Of(new MixtureOfGaussiansEvent(1, [0, 705], [0.9, 0.1], Add), 2), 1e-6);

        // Masked by a rare draw, small or large: ln(1 - q + q e^D) at order 2.
        Assert.All(new[] { 29.0, 31, 45 }, divergence => Assert.Equal(Math.Log(1 + (1e-12 * (Math.Exp(divergence) - 1))), SampledRenyi.Masked(divergence, 1e-12, 2), 1e-10));
        Assert.True(Of(new MixtureOfGaussiansEvent(2e-3, [0, 1], [0.9, 0.1], Add), 2) < (0.25 * 1e6) - 1);
    }

    private static double Expm1(double x) => Math.Abs(x) < 1e-2 ? x * (1 + (x / 2 * (1 + (x / 3 * (1 + (x / 4 * (1 + (x / 5 * (1 + (x / 6)))))))))) : Math.Exp(x) - 1;
}
