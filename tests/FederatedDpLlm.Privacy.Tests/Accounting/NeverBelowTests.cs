using System.Numerics;
using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Tests.Accounting.Exact;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>No rounding makes anything cheaper than it is: every figure is at least the one of 480-bit arithmetic on the very doubles that the event holds, and hardly more.</summary>
public sealed class NeverBelowTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;
    private static readonly Gen<int> Order = Gen.Int[2, 24];
    private static readonly Gen<double> Noise = Gen.Double[-0.4, 1.5].Select(log => Math.Pow(10, log));

    [Fact]
    public void Laplace_noise() => Gen.Select(Noise, Order).Sample((noise, order) =>
    {
        // alpha e^((alpha-1) epsilon) + (alpha-1) e^(-alpha epsilon) over 2 alpha - 1.
        var epsilon = FixedPoint.Over(FixedPoint.One, FixedPoint.Of(noise));
        var moment = ((order * FixedPoint.Exp((order - 1) * epsilon)) + ((order - 1) * FixedPoint.Exp(-order * epsilon))) / ((2 * order) - 1);
        IsAbove(FixedPoint.Log(moment) / (order - 1), Renyi.DivergenceOf(new LaplaceEvent(noise, Add), new(order)));
        IsAbove(epsilon, PureDp.EpsilonOf(new LaplaceEvent(noise, Add)), 1e-15);
    }, iter: 200);

    [Fact]
    public void Discrete_Laplace_noise() => Gen.Select(Noise, Gen.Int[1, 6], Order).Sample((scale, sensitivity, order) =>
    {
        BigInteger Ratio(long steps) => FixedPoint.Exp(-FixedPoint.Over(steps * FixedPoint.One, FixedPoint.Of(scale)));
        BigInteger tail = FixedPoint.Over(FixedPoint.One, FixedPoint.One + Ratio(1)), far = FixedPoint.Times(tail, Ratio(sensitivity)), at = FixedPoint.Times(tail, FixedPoint.One - Ratio(1));
        List<(BigInteger, BigInteger)> outcomes = [(tail, far), (far, tail), .. Enumerable.Range(1, sensitivity - 1).Select(x => (FixedPoint.Times(at, Ratio(x)), FixedPoint.Times(at, Ratio(sensitivity - x))))];
        IsAbove(Divergence(outcomes, order), Renyi.DivergenceOf(new DiscreteLaplaceEvent(scale, sensitivity, Add), new(order)));
    }, iter: 200);

    [Fact]
    public void Randomized_response() => Gen.Select(Gen.Double[0.05, 0.95], Gen.Int[2, 9], Order).Sample((noise, buckets, order) =>
    {
        BigInteger other = FixedPoint.Of(noise) / buckets, truth = FixedPoint.One - FixedPoint.Of(noise) + other, uniform = FixedPoint.One / buckets;
        var (replaced, nothing) = (new RandomizedResponseEvent(noise, buckets, Replace), new RandomizedResponseEvent(noise, buckets, Nothing));
        (BigInteger, BigInteger)[] told = [(truth, uniform), ((buckets - 1) * other, FixedPoint.One - uniform)], asked = [(uniform, truth), (FixedPoint.One - uniform, (buckets - 1) * other)];
        IsAbove(Divergence([(truth, other), (other, truth), ((buckets - 2) * other, (buckets - 2) * other)], order), Renyi.DivergenceOf(replaced, new(order)));
        IsAbove(BigInteger.Max(Divergence(told, order), Divergence(asked, order)), Renyi.DivergenceOf(nothing, new(order)));
        IsAbove(FixedPoint.Log(FixedPoint.Over(truth, other)), PureDp.EpsilonOf(replaced), 2e-14);
        IsAbove(BigInteger.Max(FixedPoint.Log(buckets * truth), -FixedPoint.Log(FixedPoint.Of(noise))), PureDp.EpsilonOf(nothing), 2e-14);
    }, iter: 200);

    [Fact]
    public void What_is_only_known_to_be_pure() => Gen.Select(Gen.Double[0.01, 5], Order).Sample((epsilon, order) =>
    {
        BigInteger likely = FixedPoint.Over(FixedPoint.One, FixedPoint.One + FixedPoint.Exp(-FixedPoint.Of(epsilon))), rest = FixedPoint.One - likely;
        IsAbove(Divergence([(likely, rest), (rest, likely)], order), Renyi.DivergenceOf(new PureEvent(new(epsilon), Add), new(order)));
    }, iter: 200);

    // The supremum over t of two outcomes with log ratios t and t - eta, in closed form: at t = eta - ln(alpha/(alpha-1) (1 - r)), r = (e^eta - 1)/(e^(alpha eta) - 1).
    [Fact]
    public void A_bounded_range() => Gen.Select(Gen.Double[0.01, 5], Order).Sample((range, order) =>
    {
        BigInteger eta = FixedPoint.Of(range), one = FixedPoint.One;
        var ratio = FixedPoint.Over(FixedPoint.Exp(eta) - one, FixedPoint.Exp(order * eta) - one);
        var shift = eta - FixedPoint.Log(order * (one - ratio) / (order - 1));
        var spread = FixedPoint.Log(FixedPoint.Over(one - FixedPoint.Exp(-order * eta), one - FixedPoint.Exp(-eta)) / order) / (order - 1);
        IsAbove(shift + spread, Renyi.DivergenceOf(new ExponentialMechanismEvent(range, Replace), new(order)));
    }, iter: 200);

    [Fact]
    public void A_sampled_Gaussian_at_whole_orders() => Gen.Select(Gen.Double[0.001, 0.999], Gen.Double[0.1, 2], Order).Sample((rate, mu, order) =>
    {
        var noise = 1 / mu;
        BigInteger q = FixedPoint.Of(rate), rest = FixedPoint.One - q, sum = 0, choose = 1, square = FixedPoint.Over(FixedPoint.Over(FixedPoint.One, FixedPoint.Of(noise)), FixedPoint.Of(noise));
        for (var k = 0; k <= order; k++)
        {
            sum += choose * FixedPoint.Times(FixedPoint.Times(FixedPoint.Power(q, k), FixedPoint.Power(rest, order - k)), FixedPoint.Exp(k * (k - 1) / 2 * square));
            choose = choose * (order - k) / (k + 1);
        }

        IsAbove(FixedPoint.Log(sum) / (order - 1), Renyi.DivergenceOf(new PoissonSampledEvent(rate, new GaussianEvent(noise, Add)), new(order)), 1e-10);
    }, iter: 200);

    [Fact]
    public void Amplified_epsilons_and_masked_moments() => Gen.Select(Gen.Double[0.001, 0.999], Gen.Double[0.01, 6], Order).Sample((rate, epsilon, order) =>
    {
        BigInteger q = FixedPoint.Of(rate), one = FixedPoint.One;
        IsAbove(FixedPoint.Log(one + FixedPoint.Times(q, FixedPoint.Exp(FixedPoint.Of(epsilon)) - one)), PureDp.EpsilonOf(new PoissonSampledEvent(rate, new PureEvent(new(epsilon), Add))), 2e-14);
        var part = new GaussianEvent(2 / epsilon, Replace);
        var exponent = (order - 1) * FixedPoint.Of(Renyi.DivergenceOf(part, new(order)));
        IsAbove(FixedPoint.Log(one - q + FixedPoint.Times(q, FixedPoint.Exp(exponent))) / (order - 1), Renyi.DivergenceOf(new PoissonSampledEvent(rate, part), new(order)), 1e-11);
    }, iter: 200);

    [Fact]
    public void The_range_of_a_token_and_the_rho_of_Gaussian_noise() => Gen.Select(Gen.Double[0.01, 9], Gen.Int[1, 300], Gen.Double[0.1, 3]).Sample((clip, voters, temperature) =>
    {
        var scale = FixedPoint.Times(voters * FixedPoint.One, FixedPoint.Of(temperature));
        foreach (var (relation, factor) in new[] { (Replace, 4), (Add, 2), (Nothing, 2) })
        {
            IsAbove(FixedPoint.Over(factor * FixedPoint.Of(clip), scale) + FixedPoint.Of(ClippedLogitDecodingEvent.SamplingAllowance), PureDp.EpsilonOf(new ClippedLogitDecodingEvent(clip, voters, temperature, relation)), 1e-13);
        }

        var square = FixedPoint.Times(FixedPoint.Of(temperature), FixedPoint.Of(temperature));
        IsAbove(FixedPoint.Over(FixedPoint.One, 2 * square), ZeroConcentrated.RhoOf(new GaussianEvent(temperature, Add)), 1e-14);
        IsAbove(FixedPoint.Over(FixedPoint.Times(FixedPoint.Of(clip), FixedPoint.Of(clip)), 2 * square), ZeroConcentrated.RhoOf(new DiscreteGaussianEvent(temperature, clip, Add)), 1e-14);
        IsAbove(FixedPoint.Times(FixedPoint.Of(clip), FixedPoint.Of(clip)) / 8, ZeroConcentrated.RhoOf(new ExponentialMechanismEvent(clip, Add)), 1e-15);
    }, iter: 200);

    // Below sigma 1/2 the theorem says nothing, and one party's noise alone has to do (the others' is post-processing of it). Above:
    // tau = 10 sum of e^(-2 pi^2 sigma^2 k/(k+1)), and the least of the three bounds that it enters (Kairouz, Liu, Steinke, Theorem 1 and Proposition 14).
    [Fact]
    public void A_sum_of_discrete_Gaussians() => Gen.Select(Gen.Int[1, 12], Gen.Double[0.3, 1.2], Gen.Double[0.2, 30], Gen.Int[1, 3000]).Sample((summands, sigma, sensitivity, dimension) =>
    {
        BigInteger s = FixedPoint.Of(sigma), exponent = 2 * FixedPoint.Times(FixedPoint.Times(FixedPoint.Pi, FixedPoint.Pi), FixedPoint.Times(s, s)), root = FixedPoint.Sqrt(dimension * FixedPoint.One);
        var tau = 10 * Enumerable.Range(1, summands - 1).Aggregate(BigInteger.Zero, (sum, k) => sum + FixedPoint.Exp(-exponent * k / (k + 1)));
        var square = FixedPoint.Over(FixedPoint.Times(FixedPoint.Of(sensitivity), FixedPoint.Of(sensitivity)), summands * FixedPoint.Times(s, s));
        BigInteger distance = FixedPoint.Sqrt(square), together = distance + FixedPoint.Times(root, tau), first = FixedPoint.Times(distance, BigInteger.Min(root, FixedPoint.Of(sensitivity)));
        var crossed = square + (2 * FixedPoint.Times(first, tau)) + (dimension * FixedPoint.Times(tau, tau));
        var least = BigInteger.Min((square / 2) + (dimension * tau), BigInteger.Min(FixedPoint.Times(together, together), crossed) / 2);
        var alone = FixedPoint.Over(FixedPoint.Times(FixedPoint.Of(sensitivity), FixedPoint.Of(sensitivity)), 2 * FixedPoint.Times(s, s));
        IsAbove(sigma < 0.5 ? alone : BigInteger.Min(alone, least), ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(summands, sigma, sensitivity, dimension, Replace)), 1e-12);
    }, iter: 200);

    // Canonne, Kamath, Steinke, Proposition 12: epsilon = D + (ln(1/delta) - ln alpha)/(alpha-1) + ln(1 - 1/alpha), and the delta of the same bound.
    [Fact]
    public void What_a_divergence_means_as_epsilon_and_as_delta() => Gen.Select(Noise, Gen.Double[-12, -2], Gen.Int[2, 60], Gen.Double[0, 5]).Sample((noise, logDelta, order, at) =>
    {
        var (released, delta) = (new GaussianEvent(noise, Add), Math.Pow(10, logDelta));
        BigInteger divergence = FixedPoint.Of(Renyi.DivergenceOf(released, new(order))), logLess = FixedPoint.Log((order - 1) * FixedPoint.One / order);
        var epsilon = divergence + logLess - (FixedPoint.Log(order * FixedPoint.Of(delta)) / (order - 1));
        IsAbove(BigInteger.Max(0, epsilon), Renyi.EpsilonAt(released, new(delta), [order]), 1e-12);
        IsAbove(BigInteger.Max(0, epsilon), Currency.Renyi(new RenyiOrder(order), new(delta)).EpsilonOf(Renyi.DivergenceOf(released, new(order))), 1e-12);
        // (e^(alpha-1) (D - at)) (1 - 1/alpha)^(alpha-1) / alpha.
        var log = ((order - 1) * (divergence - FixedPoint.Of(at) + logLess)) - FixedPoint.Log(order * FixedPoint.One);
        if (log < 0 && log > -200 * FixedPoint.One)
        {
            IsAbove(FixedPoint.Exp(log), RenyiCurve.Of(released, [order]).DeltaAt(at), 1e-9);
        }
    }, iter: 300);

    [Fact]
    public void Stochastic_rounding() => Gen.Select(Gen.Double[0, 100], Gen.Int[1, 5000], Gen.Double[1e-9, 0.9]).Sample((norm, dimension, beta) =>
    {
        BigInteger n = FixedPoint.Of(norm), root = FixedPoint.Sqrt(dimension * FixedPoint.One), tail = FixedPoint.Sqrt(-2 * FixedPoint.Log(FixedPoint.Of(beta)));
        var square = FixedPoint.Times(n, n) + (dimension * FixedPoint.One / 4) + FixedPoint.Times(tail, n + (root / 2));
        IsAbove(BigInteger.Min(n + root, FixedPoint.Sqrt(square)), SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, beta), 1e-14);
    }, iter: 200);

    // The reading of Whitehouse, Ramdas, Rogers, Wu, Theorem 1: sqrt(2 ln(1/delta) S) + S/2, and a budget that it does not pass.
    [Fact]
    public void The_reading_of_a_sum_of_squares() => Gen.Select(Gen.Double[0.0001, 30], Gen.Double[-12, -0.1]).Sample((spent, logDelta) =>
    {
        var delta = Math.Pow(10, logDelta);
        var currency = Currency.Advanced(new(delta));
        BigInteger Reading(double sum) => FixedPoint.Sqrt(-2 * FixedPoint.Times(FixedPoint.Log(FixedPoint.Of(delta)), FixedPoint.Of(sum))) + (FixedPoint.Of(sum) / 2);
        IsAbove(Reading(spent), currency.EpsilonOf(spent), 1e-14);
        var budget = currency.BudgetFor(new(spent));
        Assert.True(Reading(budget) <= FixedPoint.Of(spent));
        Assert.True(Reading(budget * (1 + 1e-12)) > FixedPoint.Of(spent));
    }, iter: 300);

    private static BigInteger Divergence(IEnumerable<(BigInteger P, BigInteger Q)> outcomes, int order)
    {
        var sum = outcomes.Where(outcome => outcome.P > 0).Aggregate(BigInteger.Zero, (sum, outcome) => sum + FixedPoint.Times(outcome.P, FixedPoint.Power(FixedPoint.Over(outcome.P, outcome.Q), order - 1)));
        return FixedPoint.Log(sum) / (order - 1);
    }

    private static void IsAbove(BigInteger exact, double computed, double tolerance = 1e-12)
    {
        Assert.True(FixedPoint.Of(computed) >= exact, $"{computed:R} is below {FixedPoint.ToDouble(exact):R}");
        Assert.True(computed <= (FixedPoint.ToDouble(exact) * (1 + tolerance)) + 1e-13, $"{computed:R} is more than {tolerance} above {FixedPoint.ToDouble(exact):R}");
    }
}
