using System.Numerics;
using CsCheck;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Tests.Numerics;

/// <summary>Up is the smallest double that is not below the exact result, down the largest that is not above it: decided in whole numbers.</summary>
public sealed class RoundedTests
{
    private static readonly Gen<double> Number = Gen.Select(Gen.Double[1, 2], Gen.Int[-60, 60], Gen.Int[0, 3]).Select((mantissa, exponent, kind) => kind == 0 ? Math.ScaleB(Math.Round(mantissa * 8), exponent) : Math.ScaleB(mantissa, exponent));

    [Fact]
    public void Sums_are_rounded_to_their_side() => Gen.Select(Number, Number, Gen.Bool).Sample((left, other, minus) =>
    {
        var right = minus ? -other : other;
        IsNext(Exact(left) + Exact(right), Rounded.AddUp(left, right), Rounded.AddDown(left, right));
    }, iter: 3000);

    [Fact]
    public void Products_and_squares_are_rounded_to_their_side() => Gen.Select(Number, Number).Sample((left, right) =>
    {
        IsNext((Exact(left) * Exact(right)) >> Bits, Rounded.MultiplyUp(left, right), Rounded.MultiplyDown(left, right));
        IsNext((Exact(left) * Exact(left)) >> Bits, Rounded.SquareUp(left), Rounded.SquareDown(left));
    }, iter: 3000);

    [Fact]
    public void Quotients_are_rounded_to_their_side() => Gen.Select(Number, Number).Sample((dividend, divisor) =>
    {
        double up = Rounded.DivideUp(dividend, divisor), down = Rounded.DivideDown(dividend, divisor);
        BigInteger exact = Exact(dividend) << Bits, by = Exact(divisor);
        Assert.True(Exact(up) * by >= exact && (Exact(Math.BitDecrement(up)) * by < exact || up == down));
        Assert.True(Exact(down) * by <= exact && (Exact(Math.BitIncrement(down)) * by > exact || up == down));
        Assert.True(up == down ? Exact(up) * by == exact : Math.BitIncrement(down) == up);
    }, iter: 3000);

    [Fact]
    public void Roots_are_rounded_to_their_side() => Number.Sample(value =>
    {
        double up = Rounded.RootUp(value), down = Rounded.RootDown(value);
        var exact = Exact(value) << Bits;
        Assert.True(Exact(up) * Exact(up) >= exact && Exact(down) * Exact(down) <= exact);
        Assert.True(up == down ? Exact(up) * Exact(up) == exact : Math.BitIncrement(down) == up);
    }, iter: 3000);

    [Fact]
    public void Whole_numbers_are_rounded_up() => Gen.Long.Where(value => value >= 0).Sample(value =>
    {
        var up = Rounded.OfUp(value);
        Assert.True((BigInteger)up >= value && (up == 0 || (BigInteger)Math.BitDecrement(up) < value));
    }, iter: 1000);

    // Where the error term underflows the neighbour is taken: safe, and no more than one unit off.
    [Fact]
    public void What_underflows_is_moved_to_its_side_and_nothing_stays_nothing()
    {
        Assert.Equal((double.Epsilon, 0.0), (Rounded.MultiplyUp(1e-200, 1e-200), Rounded.MultiplyDown(1e-200, 1e-200)));
        Assert.Equal((double.Epsilon, 0.0), (Rounded.DivideUp(1e-200, 1e200), Rounded.DivideDown(1e-200, 1e200)));
        Assert.Equal((Math.BitIncrement(1e-290), Math.BitDecrement(1e-290)), (Rounded.MultiplyUp(1e-290, 1), Rounded.MultiplyDown(1e-290, 1)));
        Assert.Equal((Math.BitIncrement(1e-290 / 1e-140), Math.BitDecrement(1e-290 / 1e-140)), (Rounded.DivideUp(1e-290, 1e-140), Rounded.DivideDown(1e-290, 1e-140)));
        Assert.Equal((0, 0, 0, 0), (Rounded.MultiplyUp(0, 5), Rounded.MultiplyUp(5, 0), Rounded.DivideUp(0, 5), Rounded.DivideUp(5, double.PositiveInfinity)));
        Assert.Equal((0.0, 0.0), (Rounded.RootUp(0), Rounded.RootDown(0)));
    }

    [Fact]
    public void What_overflows_stays_infinite()
    {
        Assert.All([Rounded.AddUp(1e308, 1e308), Rounded.MultiplyUp(1e200, 1e200), Rounded.MultiplyDown(1e200, 1e200), Rounded.DivideUp(1e200, 1e-200), Rounded.DivideUp(1, 0), Rounded.RootUp(double.PositiveInfinity), Rounded.RootDown(double.PositiveInfinity), Rounded.SquareUp(double.PositiveInfinity)], value => Assert.Equal(double.PositiveInfinity, value));
        Assert.Equal(double.NegativeInfinity, Rounded.AddDown(-1e308, -1e308));
    }

    private const int Bits = 400;

    private static void IsNext(BigInteger exact, double up, double down)
    {
        Assert.True(Exact(up) >= exact && Exact(down) <= exact);
        Assert.True(up == down ? Exact(up) == exact : Math.BitIncrement(down) == up, $"{down:R} and {up:R}");
    }

    // In units of 2^-400.
    private static BigInteger Exact(double value)
    {
        if (value == 0)
        {
            return 0;
        }

        var exponent = Math.ILogB(value) - 52;
        return (BigInteger)Math.ScaleB(value, -exponent) << (Bits + exponent);
    }
}
