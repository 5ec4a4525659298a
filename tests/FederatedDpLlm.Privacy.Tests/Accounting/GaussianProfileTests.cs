using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Gaussian noise in closed form at the ends of its ranges, and the searches that invert it.</summary>
public sealed class GaussianProfileTests
{
    // At epsilon = mu^2/2 both forms meet; there the first term is 1/2.
    [Theory, InlineData(0.3), InlineData(1), InlineData(4)]
    public void Both_forms_of_delta_meet(double mu)
    {
        var epsilon = mu * mu / 2;
        var exact = 0.5 - (Math.Exp(epsilon) * Normal.Above(mu));
        Assert.Equal(exact, GaussianProfile.DeltaAt(mu, epsilon), 1e-13);
        Assert.Equal(exact, GaussianProfile.DeltaAt(mu, epsilon * (1 - 1e-13)), 1e-12);
        Assert.Equal(exact, GaussianProfile.DeltaAt(mu, epsilon * (1 + 1e-13)), 1e-12);

        // Negative epsilons, also where the second tail turns over at epsilon = -mu^2/2.
        foreach (var at in new[] { -0.2 * epsilon, -epsilon, -1.5 * epsilon, -40 })
        {
            Assert.Equal(Normal.Above((at / mu) - (mu / 2)) - (Math.Exp(at) * Normal.Above((at / mu) + (mu / 2))), GaussianProfile.DeltaAt(mu, at), 1e-13);
        }
    }

    [Fact]
    public void No_noise_tells_all_and_no_sensitivity_nothing()
    {
        Assert.Equal((0, 0, 1 - Math.Exp(-2)), (GaussianProfile.DeltaAt(0, 0), GaussianProfile.DeltaAt(0, 3), GaussianProfile.DeltaAt(0, -2)), (one, other) => one.Item1 == other.Item1 && one.Item2 == other.Item2 && Math.Abs(one.Item3 - other.Item3) < 1e-15);
        Assert.Equal(1, GaussianProfile.DeltaAt(double.PositiveInfinity, 5));
        Assert.Equal((0, double.PositiveInfinity, double.PositiveInfinity), (GaussianProfile.EpsilonAt(0, default), GaussianProfile.EpsilonAt(1, default), GaussianProfile.EpsilonAt(double.PositiveInfinity, new(0.5))));
        Assert.Equal((0, double.PositiveInfinity, 0), (GaussianProfile.MuFor(new(1), default), NoiseCalibration.GaussianSigma(new(1), default, 1), NoiseCalibration.GaussianSigma(new(1), default, 0)));
        Action[] wrong = [() => GaussianProfile.DeltaAt(-1, 1), () => GaussianProfile.DeltaAt(double.NaN, 1), () => GaussianProfile.DeltaAt(1, double.NaN), () => GaussianProfile.EpsilonAt(-1, new(0.1))];
        Assert.All(wrong, ask => Assert.Throws<ArgumentOutOfRangeException>(ask));
    }

    [Theory, InlineData(1e-3, 1e-9), InlineData(0.1, 1e-5), InlineData(1, 0.3), InlineData(3, 1e-12), InlineData(30, 0.9)]
    public void Epsilon_is_met_from_above_and_mu_from_below(double mu, double delta)
    {
        var epsilon = GaussianProfile.EpsilonAt(mu, new(delta));
        Assert.InRange(GaussianProfile.DeltaAt(mu, epsilon) / delta, epsilon > 0 ? 1 - 3e-12 : 0, 1);
        foreach (var promise in new[] { 0.02, 2, 50 })
        {
            var most = GaussianProfile.MuFor(new(promise), new(delta));
            Assert.InRange(GaussianProfile.DeltaAt(most, promise) / delta, 1 - 3e-11, 1);
            Assert.InRange(NoiseCalibration.GaussianSigma(new(promise), new(delta), 3) * most / 3, 1, 1 + 2e-15);
        }
    }

    [Fact]
    public void What_already_holds_without_an_epsilon_costs_none()
    {
        var delta = GaussianProfile.DeltaAt(0.5, 0);
        Assert.Equal(0, GaussianProfile.EpsilonAt(0.5, new(delta * (1 + 2e-12))));
        Assert.InRange(GaussianProfile.EpsilonAt(0.5, new(delta * (1 - 1e-9))), 1e-11, 1e-8);
    }
}
