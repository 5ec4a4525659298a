using CsCheck;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Tests.SecretSharing;

public sealed class VerifiableSecretSharingTests
{
    [Fact]
    public void Any_threshold_of_shares_restores_the_secret_and_one_fewer_does_not() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[0, 6], Gen.Long).Sample(
            (threshold, extra, seed) =>
            {
                var random = new TestRandom(seed);
                var points = Enumerable.Range(1, threshold + extra).Select(i => (3 * i) + 1).ToArray();
                var secret = Scalar.Random(random);
                var (shares, commitments) = VerifiableSecretSharing.Deal(secret, threshold, points, random);
                Assert.All(shares, share => Assert.True(commitments.Admits(share)));
                var chosen = shares.OrderBy(_ => random.Below(1 << 20)).Take(threshold).ToArray();
                var restored = VerifiableSecretSharing.Reconstruct(chosen);
                Assert.True(restored.Value.FixedTimeEquals(secret));
                Assert.True(commitments.AdmitsSecret(restored));
                Assert.True(threshold == 1 || !commitments.AdmitsSecret(VerifiableSecretSharing.Reconstruct(chosen.AsSpan()[1..])));
            },
            iter: 60);

    [Fact]
    public void One_share_fewer_than_the_threshold_is_consistent_with_every_secret()
    {
        var random = new TestRandom(5);
        int[] points = [1, 2, 3, 4, 5];
        var (shares, _) = VerifiableSecretSharing.Deal(Scalar.Random(random), 3, points, random);
        foreach (var guess in new[] { Scalar.Zero, Scalar.One, Scalar.Random(random) })
        {
            // The line through two shares and the guess at zero: a polynomial of the right degree exists for any guess.
            int[] known = [shares[0].Point, shares[1].Point];
            var factors = Polynomial.InterpolateAtZero([.. known, 9]);
            var partial = (factors[0] * shares[0].Value) + (factors[1] * shares[1].Value);
            var missing = (guess - partial) * factors[2].Invert();
            var restored = VerifiableSecretSharing.Reconstruct([shares[0], shares[1], new SecretShare(9, missing, Scalar.Zero)]);
            Assert.True(restored.Value.FixedTimeEquals(guess));
        }
    }

    [Fact]
    public void A_changed_share_is_not_admitted()
    {
        var random = new TestRandom(6);
        var (shares, commitments) = VerifiableSecretSharing.Deal(Scalar.Random(random), 2, [1, 2, 3], random);
        Assert.False(commitments.Admits(shares[0] with { Value = shares[0].Value + Scalar.One }));
        Assert.False(commitments.Admits(shares[0] with { Blinding = shares[0].Blinding + Scalar.One }));
        Assert.False(commitments.Admits(shares[0] with { Point = 2 }));
        Assert.False(commitments.Admits(shares[0] with { Point = 7 }));
    }

    [Theory, InlineData(3, 3), InlineData(3, 4), InlineData(3, 9), InlineData(1, 4)]
    public void A_dealer_whose_commitments_are_of_too_high_a_degree_is_caught(int threshold, int holders)
    {
        var random = new TestRandom(7);
        var points = Enumerable.Range(1, holders).ToArray();
        var (_, honest) = VerifiableSecretSharing.Deal(Scalar.Random(random), threshold, points, random);
        Assert.True(honest.HaveDegreeBelow(threshold, [1, 2, 3]));
        var committed = honest.Shares.ToArray();
        committed[^1] += GroupElement.MultiplyBase(Scalar.One);
        Assert.False(new ShareCommitments(honest.Secret, points, committed).HaveDegreeBelow(threshold, [1, 2, 3]));
        Assert.False(new ShareCommitments(honest.Secret + GroupElement.SecondGenerator, points, honest.Shares).HaveDegreeBelow(threshold, [1, 2, 3]));
    }

    [Fact]
    public void Points_that_coincide_or_are_zero_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Polynomial.InterpolateAtZero([1, 2, 1]));
        Assert.Throws<ArgumentException>(() => Polynomial.InterpolateAtZero([1, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => VerifiableSecretSharing.Deal(Scalar.One, 1, [0], new TestRandom(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => VerifiableSecretSharing.Deal(Scalar.One, 3, [1, 2], new TestRandom(1)));
    }

    [Fact]
    public void A_product_of_integers_in_the_field_is_the_product_of_big_integers() =>
        Gen.Int.Array[0, 60].Sample(
            values =>
            {
                var product = new SmallFactors();
                Array.ForEach(values, value => product.Multiply(value));
                var order = System.Numerics.BigInteger.Pow(2, 252) + System.Numerics.BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
                var expected = values.Aggregate(System.Numerics.BigInteger.One, (total, value) => total * value % order);
                Assert.Equal(((expected % order) + order) % order, new System.Numerics.BigInteger(product.Product.Bytes, isUnsigned: true));
            },
            iter: 2000);
}
