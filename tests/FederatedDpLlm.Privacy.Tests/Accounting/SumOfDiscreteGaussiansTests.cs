using CsCheck;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

public sealed class SumOfDiscreteGaussiansTests
{
    [Fact]
    public void With_wide_noise_the_sum_costs_what_one_Gaussian_of_its_variance_costs()
    {
        var sum = new SumOfDiscreteGaussiansEvent(20, 10, 30, 1_000_000, NeighbouringRelation.ReplaceOne);
        Assert.Equal(900 / (2.0 * 20 * 100), ZeroConcentrated.RhoOf(sum), 1e-12);
    }

    [Fact]
    public void Narrow_noise_pays_for_the_dimension()
    {
        // tau = 10 sum of e^(-2 pi^2 0.81 k/(k+1)) for twenty parties of sigma 0.9; 100 coordinates.
        var tau = 10 * Enumerable.Range(1, 19).Sum(k => Math.Exp(-2 * Math.PI * Math.PI * 0.81 * k / (k + 1)));
        var sum = new SumOfDiscreteGaussiansEvent(20, 0.9, 1, 100, NeighbouringRelation.ReplaceOne);
        var d2 = 1 / (0.9 * Math.Sqrt(20));
        var expected = new[] { (d2 * d2 / 2) + (tau * 100), Math.Pow(d2 + (10 * tau), 2) / 2, ((d2 * d2) + (2 * d2 * tau) + (tau * tau * 100)) / 2 }.Min();
        Assert.InRange(expected, d2 * d2 / 2 * 1.05, 0.1);
        Assert.Equal(expected, ZeroConcentrated.RhoOf(sum), expected * 1e-9);
    }

    // The theorem asks for sigma of at least 1/2; two parties of just that, one coordinate: tau = 10 e^(-pi^2/4).
    [Fact]
    public void A_sigma_of_one_half_is_wide_enough_for_the_theorem()
    {
        var tau = 10 * Math.Exp(-Math.PI * Math.PI / 4);
        Assert.Equal(Math.Min(2, 1 + tau), ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(2, 0.5, 1, 1, NeighbouringRelation.ReplaceOne)), 1e-10);
        Assert.Equal((0.5, double.PositiveInfinity), (ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(1, 1, 1, 1, NeighbouringRelation.ReplaceOne)), ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(1, 0, 1, 1, NeighbouringRelation.ReplaceOne))));
        Assert.Equal(0, ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(3, 1, 0, 5, NeighbouringRelation.ReplaceOne)));
        Assert.Equal(2, ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(2, Math.BitDecrement(0.5), 1, 1, NeighbouringRelation.ReplaceOne)), 1e-10);
    }

    // One party's noise hides as much by itself, whatever is added to it; below sigma 1/2 nothing better is proved.
    [Theory, InlineData(2, 0.5, 1000), InlineData(50, 0.49, 1), InlineData(3, 0.1, 7)]
    public void A_sum_never_costs_more_than_one_of_its_parties(int summands, double sigma, long dimension) =>
        Assert.Equal(9 / (2 * sigma * sigma), ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(summands, sigma, 3, dimension, NeighbouringRelation.ReplaceOne)), 1e-12 / sigma / sigma);

    [Fact]
    public void One_party_alone_is_a_discrete_Gaussian() =>
        Gen.Select(Gen.Double[0.1, 50], Gen.Double[0.1, 50]).Sample((sigma, sensitivity) => Assert.Equal(
            ZeroConcentrated.RhoOf(new DiscreteGaussianEvent(sigma, sensitivity, NeighbouringRelation.ReplaceOne)),
            ZeroConcentrated.RhoOf(new SumOfDiscreteGaussiansEvent(1, sigma, sensitivity, 7, NeighbouringRelation.ReplaceOne)), 1e-9 * sensitivity * sensitivity / sigma / sigma));

    [Theory, InlineData(10, 100, 0.1), InlineData(1000, 1 << 20, 1e-3), InlineData(0, 4, 0.5)]
    public void Rounding_adds_what_the_paper_says(double norm, long dimension, double beta)
    {
        var expected = Math.Min(
            norm + Math.Sqrt(dimension),
            Math.Sqrt((norm * norm) + (dimension / 4.0) + (Math.Sqrt(2 * Math.Log(1 / beta)) * (norm + (Math.Sqrt(dimension) / 2)))));
        Assert.Equal(expected, SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, beta), expected * 1e-12);
        Assert.Equal(norm + Math.Sqrt(dimension), SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, dimension, 0), expected * 1e-12);
    }
}
