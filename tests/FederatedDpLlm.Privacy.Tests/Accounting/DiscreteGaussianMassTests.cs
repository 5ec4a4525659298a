using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Probabilities of discrete Gaussian noise, and its variance, by sums over all integers that matter.</summary>
public sealed class DiscreteGaussianMassTests
{
    [Theory, InlineData(0.05), InlineData(0.3), InlineData(1), InlineData(3.9), InlineData(4), InlineData(4.1), InlineData(50)]
    public void Masses_add_up_to_1_and_the_variance_is_their_second_moment(double sigma)
    {
        var mass = DiscreteGaussianMass.Of(sigma);
        var reach = (int)(40 * sigma) + 3;
        var weights = Enumerable.Range(-reach, (2 * reach) + 1).Select(x => (X: (double)x, Weight: Math.Exp(-0.5 * x / sigma * (x / sigma)))).ToArray();
        var total = weights.Sum(one => one.Weight);
        foreach (var x in new[] { 0, 1, -2, 7 })
        {
            Assert.Equal(Math.Exp(-0.5 * x / sigma * (x / sigma)) / total, mass(x), 2e-13 * mass(x));
        }

        var variance = weights.Sum(one => one.X * one.X * one.Weight) / total;
        Assert.Equal(variance, DiscreteGaussianMass.Variance(sigma), 1e-12 * variance);
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN)]
    public void What_is_no_sigma_is_refused(double sigma) => Assert.Throws<ArgumentOutOfRangeException>(() => DiscreteGaussianMass.Of(sigma));
}
