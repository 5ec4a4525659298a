using System.Numerics;
using CsCheck;
using FederatedDpLlm.Privacy.Numerics;
using FederatedDpLlm.Privacy.Tests.Accounting.Exact;

namespace FederatedDpLlm.Privacy.Tests.Numerics;

/// <summary>Elementary functions, the normal distribution and factorials against 480-bit arithmetic, each within the error that its documentation states.</summary>
public sealed class SpecialFunctionTests
{
    private static readonly Gen<double> Small = Gen.Select(Gen.Double[-18, 0.3], Gen.Bool).Select((log, minus) => (minus ? -1 : 1) * Math.Pow(10, log));

    [Fact]
    public void The_exponential_less_1_keeps_its_digits_near_0() => Small.Sample(x =>
    {
        var exact = FixedPoint.ToDouble((FixedPoint.Exp(FixedPoint.Of(x)) - FixedPoint.One) * 1_000_000) / 1e6;
        Assert.InRange(Elementary.ExpMinusOne(x) / exact, 1 - Elementary.RelativeError, 1 + Elementary.RelativeError);
    }, iter: 1000);

    [Fact]
    public void The_logarithm_of_1_plus_x_keeps_its_digits_near_0() => Small.Where(x => x > -0.999).Sample(x =>
    {
        var exact = FixedPoint.ToDouble(FixedPoint.Log(FixedPoint.One + FixedPoint.Of(x)) * 1_000_000) / 1e6;
        Assert.InRange(Elementary.LogOnePlus(x) / exact, 1 - Elementary.RelativeError, 1 + Elementary.RelativeError);
    }, iter: 1000);

    [Fact]
    public void The_ends_of_both_are_what_they_are()
    {
        Assert.Equal((0, double.NegativeInfinity, double.PositiveInfinity), (Elementary.LogOnePlus(0), Elementary.LogOnePlus(-1), Elementary.LogOnePlus(double.PositiveInfinity)));
        Assert.Equal((0, -1, double.PositiveInfinity), (Elementary.ExpMinusOne(0), Elementary.ExpMinusOne(double.NegativeInfinity), Elementary.ExpMinusOne(double.PositiveInfinity)));
        Assert.Equal((double.Epsilon, double.Epsilon), (Elementary.LogOnePlus(double.Epsilon), Elementary.ExpMinusOne(double.Epsilon)));
        Assert.Equal(double.NaN, Elementary.LogOnePlus(-2));
        Assert.Equal(Math.Exp(20) - 1, Elementary.ExpMinusOne(20));
    }

    [Fact]
    public void Both_tails_of_the_normal_distribution_keep_13_digits() => Gen.Int[-9000, 9000].Sample(milli =>
    {
        var x = milli / 1000.0;
        double below = FixedPoint.ToDouble(FixedPoint.NormalCdf(FixedPoint.Of(x))), above = FixedPoint.ToDouble(FixedPoint.NormalCdf(-FixedPoint.Of(x)));
        Assert.InRange(Normal.Cdf(x) / below, 1 - 1e-13, 1 + 1e-13);
        Assert.InRange(Normal.Above(x) / above, 1 - 1e-13, 1 + 1e-13);
        Assert.Equal(Normal.Above(x), Normal.Tails(x).Above, 1e-15);
        Assert.Equal(Normal.Cdf(x), Normal.Tails(x).Below, 1e-15);
        // e^(x^2) erfc(x) = 2 e^(x^2) P(N > x sqrt 2).
        if (x >= 0)
        {
            var root = FixedPoint.Times(FixedPoint.Of(x), FixedPoint.Sqrt(2 * FixedPoint.One));
            var scaled = FixedPoint.ToDouble(2 * FixedPoint.Times(FixedPoint.Exp(FixedPoint.Times(FixedPoint.Of(x), FixedPoint.Of(x))), FixedPoint.NormalCdf(-root)));
            Assert.InRange(Normal.ScaledErfc(x) / scaled, 1 - 1e-13, 1 + 1e-13);
        }
    }, iter: 400);

    // 1/(x sqrt pi) (1 - 1/(2 x^2) + 3/(4 x^4) - 15/(8 x^6)): Abramowitz, Stegun, 7.1.23.
    [Theory, InlineData(60), InlineData(1000), InlineData(1e5), InlineData(9e7), InlineData(1e9), InlineData(1e200)]
    public void Far_out_the_scaled_function_is_its_asymptotic_series(double x)
    {
        var square = 1 / (x * x);
        Assert.Equal((1 - (square / 2) + (0.75 * square * square) - (1.875 * square * square * square)) / (x * Math.Sqrt(Math.PI)), Normal.ScaledErfc(x), 1e-12 / x);
    }

    [Fact]
    public void The_tails_end_where_they_should()
    {
        Assert.Equal((0, 1), Normal.Tails(double.PositiveInfinity));
        Assert.Equal((1, 0), Normal.Tails(double.NegativeInfinity));
        Assert.Equal((1.0, 0.0), (Normal.Cdf(double.PositiveInfinity), Normal.Cdf(double.NegativeInfinity)));
    }

    [Fact]
    public void A_quantile_leads_back_to_its_probability() => Gen.Double[-250, -0.3].Sample(log =>
    {
        var p = Math.Pow(10, log);
        Assert.InRange(Normal.Above(Normal.InverseAbove(p)) / p, 1 - 1e-12, 1 + 1e-12);
        if (log > -14)
        {
            Assert.Equal(1 - p, Normal.Above(Normal.InverseAbove(1 - p)), 1e-12);
        }
    }, iter: 500);

    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(20), InlineData(255), InlineData(256), InlineData(257), InlineData(1000)]
    public void Logarithms_of_factorials_are_those_of_the_products(int n)
    {
        var product = Enumerable.Range(1, n).Aggregate(BigInteger.One, (product, k) => product * k);
        Assert.Equal(BigInteger.Log(product), Factorials.Log(n), 1e-14 * BigInteger.Log(product));
        for (var k = 0; k <= n; k += 1 + (n / 7))
        {
            var choose = product / (Enumerable.Range(1, k).Aggregate(BigInteger.One, (p, i) => p * i) * Enumerable.Range(1, n - k).Aggregate(BigInteger.One, (p, i) => p * i));
            Assert.Equal(BigInteger.Log(choose), Factorials.LogBinomial(n, k), (3e-14 * BigInteger.Log(product)) + 1e-15);
        }

        Assert.Equal((double.NegativeInfinity, double.NegativeInfinity), (Factorials.LogBinomial(n, -1), Factorials.LogBinomial(n, n + 1)));
    }

    // The transform by its definition; the forward one leaves its output in bit-reversed order.
    [Theory, InlineData(2), InlineData(8), InlineData(64)]
    public void The_fast_transform_is_the_slow_one(int length)
    {
        var signal = Enumerable.Range(0, length).Select(i => new Complex(Math.Sin(i * i), Math.Cos(3 * i) / (1 + i))).ToArray();
        double[] real = [.. signal.Select(z => z.Real)], imaginary = [.. signal.Select(z => z.Imaginary)];
        var transform = FourierTransform.OfLength(length);
        transform.Forward(real, imaginary);
        var bits = BitOperations.Log2((uint)length);
        for (var k = 0; k < length; k++)
        {
            var slow = signal.Select((z, i) => z * Complex.FromPolarCoordinates(1, -2 * Math.PI * i * k / length)).Aggregate((sum, z) => sum + z);
            var at = (int)(Enumerable.Range(0, bits).Aggregate(0u, (reversed, bit) => (reversed << 1) | (((uint)k >> bit) & 1)));
            Assert.Equal(slow.Real, real[at], 1e-12);
            Assert.Equal(slow.Imaginary, imaginary[at], 1e-12);
        }

        transform.Backward(real, imaginary);
        for (var i = 0; i < length; i++)
        {
            Assert.Equal(signal[i].Real, real[i] / length, 1e-14);
            Assert.Equal(signal[i].Imaginary, imaginary[i] / length, 1e-14);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => FourierTransform.OfLength(length + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FourierTransform.OfLength(1));
    }
}
