using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.SecretSharing;

/// <summary>
/// Shamir's sharing with Feldman's commitments in Pedersen's hiding form, so that a wrong share has an author.
/// References: Feldman, FOCS 1987; Pedersen, CRYPTO 1991; Cascudo and David, SCRAPE, ACNS 2017 (commitments at the points instead of to the coefficients).
/// Why Pedersen's form: Feldman's own publishes secret * G, from which a later quantum computer takes the secret, and with it every mask that the
/// hybrid key agreement protects; the second polynomial hides it whatever the computer. Why at the points: a holder checks its share with two
/// multiplications instead of two per coefficient.
/// Parameters: threshold t of m holders; t - 1 shares say nothing about the secret, t give it.
/// </summary>
public static class VerifiableSecretSharing
{
    /// <summary>Deals <paramref name="secret"/> to the holders at <paramref name="points"/>, any <paramref name="threshold"/> of whom can restore it.</summary>
    /// <param name="secret">A uniformly random scalar (a secret with little entropy would not be hidden by hashing it later).</param>
    /// <param name="threshold">At least 1, at most the number of points.</param>
    /// <param name="points">Distinct, at least 1.</param>
    /// <param name="random">The source of the polynomials.</param>
    /// <returns>A share per point, in the order of the points, and the commitments.</returns>
    public static (SecretShare[] Shares, ShareCommitments Commitments) Deal(in Scalar secret, int threshold, ReadOnlySpan<int> points, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, points.Length);
        using var values = Polynomial.Random(secret, threshold, random);
        using var blindings = Polynomial.Random(Scalar.Random(random), threshold, random);
        var shares = new SecretShare[points.Length];
        var committed = new GroupElement[points.Length];
        for (var i = 0; i < points.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(points[i], 1, nameof(points));
            shares[i] = new SecretShare(points[i], values.Evaluate(points[i]), blindings.Evaluate(points[i]));
            committed[i] = ShareCommitments.Commit(shares[i].Value, shares[i].Blinding);
        }

        return (shares, new ShareCommitments(ShareCommitments.Commit(values.Evaluate(0), blindings.Evaluate(0)), points, committed));
    }

    /// <summary>
    /// Restores the secret from exactly the shares given, as a share at point 0: its value is the secret, its blinding opens the dealer's commitment.
    /// Fewer shares than the threshold give a value that has nothing to do with the secret, so check it against <see cref="ShareCommitments.AdmitsSecret"/>.
    /// </summary>
    public static SecretShare Reconstruct(ReadOnlySpan<SecretShare> shares)
    {
        ArgumentOutOfRangeException.ThrowIfZero(shares.Length, nameof(shares));
        var points = new int[shares.Length];
        for (var i = 0; i < shares.Length; i++)
        {
            points[i] = shares[i].Point;
        }

        return Combine(shares, Polynomial.InterpolateAtZero(points));
    }

    /// <summary>As <see cref="Reconstruct"/>, with factors that many reconstructions from the same points share.</summary>
    internal static SecretShare Combine(ReadOnlySpan<SecretShare> shares, ReadOnlySpan<Scalar> factors)
    {
        var value = Scalar.Zero;
        var blinding = Scalar.Zero;
        for (var i = 0; i < shares.Length; i++)
        {
            value += factors[i] * shares[i].Value;
            blinding += factors[i] * shares[i].Blinding;
        }

        return new SecretShare(0, value, blinding);
    }
}
