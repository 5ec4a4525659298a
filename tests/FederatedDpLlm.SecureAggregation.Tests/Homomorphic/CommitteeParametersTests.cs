using System.Numerics;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Tests.Homomorphic;

public sealed class CommitteeParametersTests
{
    private static BigInteger Flooding => BigInteger.One << 134;

    [Theory, InlineData(2), InlineData(3), InlineData(5), InlineData(8)]
    public void The_bound_counts_the_largest_Lagrange_factor_of_any_set_of_answers(int members)
    {
        // Between two thresholds lies one answer's flooding times the largest factor, rounded up.
        var difference = new CommitteeParameters(members, 2, 4).NoiseBound - new CommitteeParameters(members, 1, 4).NoiseBound;
        var largest = difference / (Factorial(members) * Flooding);
        Assert.Equal(largest * Factorial(members) * Flooding, difference);
        var exact = AllSets(members).Max(points => points.Max(point => Math.Abs(points.Where(other => other != point).Aggregate(1.0, (product, other) => product * other / (other - point)))));
        Assert.Equal((BigInteger)Math.Floor(exact + 1e-9) + 1, largest);
    }

    [Theory, InlineData(2, 1, 4), InlineData(3, 2, 1), InlineData(12, 9, 1024), InlineData(7, 5, 100)]
    public void The_bound_is_the_worst_of_keys_errors_flooding_and_rounding(int members, int threshold, int clients)
    {
        var parameters = new CommitteeParameters(members, threshold, clients);
        Assert.Equal((members, threshold, clients), (parameters.Members, parameters.Threshold, parameters.Clients));
        Assert.Equal(Factorial(members), parameters.FloodingScale);
        Assert.Equal(Factorial(members) * Factorial(members), parameters.NoiseScale);

        // Per client: e_pk u and e_1 s, products of polynomials of N coefficients below 63 whose one factor is a sum over the members, and e_0.
        var perClient = (2 * 8192 * (BigInteger)members * 63 * 63) + 63;
        var flooding = parameters.NoiseBound - (parameters.NoiseScale * perClient * clients) - (1 << 17);
        Assert.True(flooding > 0);
        Assert.Equal(BigInteger.Zero, flooding % (threshold * Factorial(members) * Flooding));
        Assert.True(2 * parameters.NoiseBound < CommitteeParameters.Scale);
    }

    [Fact]
    public void Lagrange_factors_add_values_up_to_the_value_at_zero()
    {
        int[] points = [2, 3, 7, 12];
        foreach (var modulus in Ring.Moduli)
        {
            BigInteger Value(int x) => 5 + (11 * x) + (13 * x * x) - (17 * x * x * x);
            var sum = points.Aggregate(BigInteger.Zero, (total, point) => total + ((BigInteger)CommitteeParameters.Lagrange(point, points, modulus) * Value(point)));
            Assert.Equal(5, ((sum % modulus.Value) + modulus.Value) % modulus.Value);
        }
    }

    [Theory, InlineData(1, 1, 4), InlineData(13, 9, 4), InlineData(5, 0, 4), InlineData(5, 6, 4), InlineData(12, 9, 1041), InlineData(4, 3, 1 << 20)]
    public void A_committee_that_could_not_decrypt_or_would_say_too_much_is_refused(int members, int threshold, int clients) =>
        Assert.ThrowsAny<ArgumentException>(() => new CommitteeParameters(members, threshold, clients));

    private static BigInteger Factorial(int n) => Enumerable.Range(1, n).Aggregate(BigInteger.One, (product, i) => product * i);

    private static IEnumerable<int[]> AllSets(int members) =>
        Enumerable.Range(1, (1 << members) - 1).Select(set => Enumerable.Range(1, members).Where(point => (set >> (point - 1) & 1) == 1).ToArray());
}
