using System.Numerics;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Tests.SecretSharing;

public sealed class PolynomialTests
{
    // RFC 9496, section 4.4.
    private static readonly BigInteger Order = (BigInteger.One << 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    private static readonly int[][] PointSets =
    [
        [1], [7], [1, 2], [2, 1], [1, 2, 3, 4, 5], [100, 3, 64, 17], [.. Enumerable.Range(1, 43)], [.. Enumerable.Range(0, 22).Select(i => 1024 - (31 * i))],
        [int.MaxValue, 1, int.MaxValue - 1, 2, 65_536, 65_537],
    ];

    [Fact]
    public void The_factors_are_those_of_Lagrange_modulo_the_order_and_restore_a_constant()
    {
        foreach (var points in PointSets)
        {
            var factors = Polynomial.InterpolateAtZero(points);
            for (var i = 0; i < points.Length; i++)
            {
                var (numerator, denominator) = (BigInteger.One, BigInteger.One);
                foreach (var other in points.Where(other => other != points[i]))
                {
                    (numerator, denominator) = (numerator * other % Order, denominator * (((BigInteger)other - points[i] + Order) % Order) % Order);
                }

                Assert.Equal(numerator * BigInteger.ModPow(denominator, Order - 2, Order) % Order, ToInteger(factors[i]));
            }

            using var polynomial = Polynomial.Random(Scalar.From(77), points.Length, new TestRandom(points.Length));
            var sum = points.Select((point, i) => factors[i] * polynomial.Evaluate(point)).Aggregate(Scalar.Zero, (total, term) => total + term);
            Assert.True(sum.FixedTimeEquals(Scalar.From(77)));
        }
    }

    [Fact]
    public void A_polynomial_is_evaluated_as_its_sum_of_powers()
    {
        using var polynomial = new Polynomial([Scalar.From(5), Scalar.From(11), Scalar.From(13), Scalar.From(17)]);
        Assert.Equal(5 + (11 * 100) + (13 * 10_000) + (17 * 1_000_000), ToInteger(polynomial.Evaluate(100)));
        Assert.Equal(5, ToInteger(polynomial.Evaluate(0)));
    }

    [Fact]
    public void Points_must_be_positive_and_distinct_and_a_polynomial_has_a_coefficient()
    {
        foreach (var points in new int[][] { [1, 1], [0], [1, 0], [2, -3], [5, 1, 5], [int.MinValue, 1] })
        {
            Assert.Throws<ArgumentException>(() => Polynomial.InterpolateAtZero(points));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new Polynomial([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Polynomial.Random(Scalar.One, 0, new TestRandom(1)));
    }

    private static BigInteger ToInteger(Scalar scalar)
    {
        var bytes = new byte[32];
        scalar.CopyTo(bytes);
        return new BigInteger(bytes, isUnsigned: true);
    }
}
