using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Canonne, Kamath, Steinke, arXiv:2004.00010, Proposition 12, at every order of a curve: the least is the answer.</summary>
public sealed class RenyiCurveTests
{
    private static readonly Gen<double> Noise = Gen.Double[-1.3, 1.5].Select(log => Math.Pow(10, log));

    [Fact]
    public void The_epsilon_of_a_curve_is_the_least_of_its_orders() => Gen.Select(Noise, Gen.Double[-12, -1]).Sample((noise, logDelta) =>
    {
        var (curve, delta) = (RenyiCurve.Of(new GaussianEvent(noise, NeighbouringRelation.AddOrRemoveOne)), Math.Pow(10, logDelta));
        var least = curve.Points.Where(point => point.Order > 1 && double.IsFinite(point.Order))
            .Min(point => point.Divergence + Math.Log(1 - (1 / point.Order)) - (Math.Log(delta * point.Order) / (point.Order - 1)));
        var computed = curve.EpsilonAt(new(delta));
        Assert.InRange(computed, (Math.Max(0, least) * (1 - 1e-12)) - 1e-12, (Math.Max(0, least) * (1 + 1e-9)) + 1e-12);
    });

    // Order 1 converts to nothing, and takes nothing from what the others say.
    [Fact]
    public void Orders_that_say_nothing_change_nothing()
    {
        var released = new GaussianEvent(1, NeighbouringRelation.AddOrRemoveOne);
        Assert.Equal(RenyiCurve.Of(released, [8]).DeltaAt(9), RenyiCurve.Of(released, [1, 8, double.PositiveInfinity]).DeltaAt(9));
        Assert.Equal(RenyiCurve.Of(released, [8]).EpsilonAt(new(1e-3)), RenyiCurve.Of(released, [1, 8, double.PositiveInfinity]).EpsilonAt(new(1e-3)));
        Assert.Equal((1, double.PositiveInfinity), (RenyiCurve.Of(released, [1]).DeltaAt(9), RenyiCurve.Of(released, [1]).EpsilonAt(new(1e-3))));
    }

    [Fact]
    public void The_epsilon_of_many_is_that_of_the_rounded_up_product()
    {
        foreach (var noise in new[] { 0.3, 0.7, 1.1 })
        {
            var curve = RenyiCurve.Of(new GaussianEvent(noise, NeighbouringRelation.AddOrRemoveOne), [8]);
            for (var count = 2; count < 40; count++)
            {
                var divergence = Rounded.MultiplyUp(curve.Points.Single().Divergence, count);
                Assert.Equal(Math.Max(0, ConversionCurve.EpsilonOfRenyi(divergence, 7, 0.5)), curve.EpsilonAt(new(0.5), count));
                Assert.Equal(divergence, curve.Times(count).Points.Single().Divergence);
            }
        }
    }

    [Fact]
    public void The_delta_of_a_curve_is_the_least_of_its_orders() => Gen.Select(Noise, Gen.Double[0, 40]).Sample((noise, epsilon) =>
    {
        var curve = RenyiCurve.Of(new GaussianEvent(noise, NeighbouringRelation.AddOrRemoveOne));
        var least = curve.Points.Where(point => point.Order > 1 && double.IsFinite(point.Order)).Min(point =>
            ((point.Order - 1) * (point.Divergence - epsilon)) + ((point.Order - 1) * Math.Log(1 - (1 / point.Order))) - Math.Log(point.Order));
        var computed = curve.DeltaAt(epsilon);
        Assert.InRange(computed, Math.Exp(Math.Min(0, least)) * (1 - 1e-9), Math.Exp(Math.Min(0, least)) * (1 + 1e-6));
    });
}
