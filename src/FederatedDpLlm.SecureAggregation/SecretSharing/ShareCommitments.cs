using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.SecretSharing;

/// <summary>
/// What a dealer commits to: value * G + blinding * H at zero and at every holder's point. It hides the shares whatever the observer's computer,
/// and binds the dealer as long as discrete logarithms are hard while the round runs.
/// </summary>
public sealed class ShareCommitments
{
    private readonly int[] _points;
    private readonly GroupElement[] _committed;

    internal ShareCommitments(GroupElement secret, ReadOnlySpan<int> points, ReadOnlySpan<GroupElement> committed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(committed.Length, points.Length, nameof(committed));
        Secret = secret;
        _points = points.ToArray();
        _committed = committed.ToArray();
    }

    /// <summary>The commitment to the secret.</summary>
    public GroupElement Secret { get; }

    /// <summary>The holders' points, in the dealer's order.</summary>
    public ReadOnlySpan<int> Points => _points;

    /// <summary>The commitments to the shares, in the order of <see cref="Points"/>.</summary>
    public ReadOnlySpan<GroupElement> Shares => _committed;

    /// <summary>Whether a share is the one that its dealer committed to.</summary>
    public bool Admits(in SecretShare share)
    {
        var index = Array.IndexOf(_points, share.Point);
        return index >= 0 && Commit(share.Value, share.Blinding) == _committed[index];
    }

    /// <summary>Whether a reconstructed secret is the one that its dealer committed to.</summary>
    public bool AdmitsSecret(in SecretShare atZero) => atZero.Point == 0 && Commit(atZero.Value, atZero.Blinding) == Secret;

    /// <summary>
    /// Whether the committed values lie on a polynomial of degree below <paramref name="threshold"/>: orthogonal to a random word of the dual code
    /// (SCRAPE, section 2.1). A dealer who cheats passes with probability 1/l. The word follows from what the dealer signed (Fiat, Shamir, CRYPTO 1986), so that
    /// whoever looks again comes to the same verdict.
    /// </summary>
    /// <param name="threshold">At least 1.</param>
    /// <param name="signed">What the dealer committed to, or a hash of all of it.</param>
    public bool HaveDegreeBelow(int threshold, ReadOnlySpan<byte> signed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 1);
        if (_points.Length < threshold)
        {
            return false;
        }

        if (_points.Length == threshold)
        {
            // As many values besides the one at zero as coefficients: only the value at zero can disagree.
            return SumOfProducts(Polynomial.InterpolateAtZero(_points), _committed) == Secret;
        }

        int[] all = [0, .. _points];
        using var dual = ChallengeOf(signed, all.Length - threshold);
        var weights = ProductsOfDifferences(all);
        Polynomial.InvertAll(weights);
        for (var i = 0; i < all.Length; i++)
        {
            weights[i] *= dual.Evaluate(all[i]);
        }

        return SumOfProducts(weights, [Secret, .. _committed]) == GroupElement.Identity;
    }

    /// <summary>The commitment value * G + blinding * H.</summary>
    internal static GroupElement Commit(in Scalar value, in Scalar blinding) =>
        GroupElement.MultiplyBase(value) + (blinding * GroupElement.SecondGenerator);

    private static GroupElement SumOfProducts(ReadOnlySpan<Scalar> scalars, ReadOnlySpan<GroupElement> elements)
    {
        var sum = GroupElement.Identity;
        for (var i = 0; i < scalars.Length; i++)
        {
            sum += scalars[i] * elements[i];
        }

        return sum;
    }

    private static Polynomial ChallengeOf(ReadOnlySpan<byte> signed, int coefficients)
    {
        Span<byte> input = stackalloc byte[SHA256.HashSizeInBytes + sizeof(int)];
        Span<byte> wide = stackalloc byte[SHA512.HashSizeInBytes];
        SHA256.HashData(signed, input);
        var challenge = new Scalar[coefficients];
        for (var i = 0; i < challenge.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(input[SHA256.HashSizeInBytes..], i);
            SHA512.HashData(input, wide);
            challenge[i] = Scalar.Reduce(wide);
        }

        return new Polynomial(challenge);
    }

    // Of every point, the product of its differences to the others.
    private static Scalar[] ProductsOfDifferences(ReadOnlySpan<int> points)
    {
        var products = new Scalar[points.Length];
        for (var i = 0; i < products.Length; i++)
        {
            var product = new SmallFactors();
            for (var j = 0; j < points.Length; j++)
            {
                product.Multiply(j == i ? 1 : points[i] - points[j]);
            }

            products[i] = product.Product;
        }

        return products;
    }
}
