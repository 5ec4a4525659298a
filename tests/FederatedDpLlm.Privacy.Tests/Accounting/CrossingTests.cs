using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Searches end on the safe side of the crossing, next to it, after as many halvings as a double has room for.</summary>
public sealed class CrossingTests
{
    private static readonly (Func<double, double> Falling, double Low, double High, double Root)[] Cases =
    [
        (x => 2 - x, 0, 5, 2), (x => 2 - (x * x), 0, 100, Math.Sqrt(2)), (x => Math.Exp(-x) - 1e-9, 0, 1000, 9 * Math.Log(10)), (x => 1e-3 - Math.Pow(x, 9), 0, 50, Math.Pow(1e-3, 1 / 9.0)),
        (x => x < 0.3 ? 1 : -1, 0, 1, 0.3), (x => x < 7 ? 1e-9 : -1e9, 0, 1024, 7), (x => x < 7 ? 1e9 : -1e-9, 0, 1024, 7), (x => x == 0 ? double.PositiveInfinity : (1 / x) - 4, 0, 3, 0.25), (x => -1 - x, -5, 3, -1),
    ];

    [Fact]
    public void A_crossing_is_met_from_the_safe_side_within_a_few_units_and_seventy_evaluations() => Assert.All(Cases, one =>
    {
        var evaluations = 0;
        var x = Crossing.Falling(at =>
        {
            evaluations++;
            return one.Falling(at);
        }, one.Low, one.High);
        Assert.True(one.Falling(x) <= 0);
        Assert.InRange(x, one.Root - (1e-15 * Math.Abs(one.Root)), one.Root + (4e-15 * Math.Abs(one.Root)));
        Assert.InRange(evaluations, 3, 70);
    });

    [Fact]
    public void What_is_low_enough_at_once_is_the_answer()
    {
        Assert.Equal(3, Crossing.Falling(x => -x, 3, 9));
        Assert.Equal(3, Crossing.Falling(x => 3 - x, 3, 9));
    }
}
