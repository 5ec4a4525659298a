using System.Security.Cryptography;
using System.Runtime.InteropServices;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// One member's contribution to the committee's key of one round: a small secret s_j, its public part b_j = (m!)^2 e_j - a s_j, and shares of s_j, the values
/// at the members' points of a polynomial over the ring with s_j at zero. The committee's key is the sum of all contributions; nobody ever has it.
/// Everything is a function of the secret. A secret serves one round.
/// </summary>
internal sealed class CommitteeDealing : IDisposable
{
    private const int ErrorRegion = 1;
    private const int PolynomialRegion = 8;
    private readonly CommitteeParameters _parameters;
    private readonly RingArithmetic _arithmetic;
    private readonly RingElement _secret;
    private readonly RingElement[] _polynomial;

    /// <param name="parameters">The committee.</param>
    /// <param name="publicSeed">The seed of a (16 bytes), the same for all.</param>
    /// <param name="secret">This member's secret of the round (32 bytes).</param>
    /// <param name="arithmetic">Null for the fastest.</param>
    public CommitteeDealing(CommitteeParameters parameters, ReadOnlySpan<byte> publicSeed, ReadOnlySpan<byte> secret, RingArithmetic? arithmetic = null)
    {
        _parameters = parameters;
        _arithmetic = arithmetic ?? RingArithmetic.Fastest;
        using var stream = KeystreamWords.Derive(secret, [], "committee key"u8, [], -1, -1);
        var small = GC.AllocateArray<long>(Ring.Degree, pinned: true);
        GaussianNoise.Fill(small, stream, region: 0);
        _secret = RingElement.Transformed(small, _arithmetic);
        GaussianNoise.Fill(small, stream, ErrorRegion);
        using var error = RingElement.Transformed(small, _arithmetic);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(small.AsSpan()));
        _polynomial = [.. Enumerable.Range(1, parameters.Threshold - 1).Select(power => RingElement.Uniform(stream, PolynomialRegion + power))];
        using var uniform = CommitteeEncryption.PublicPolynomial(publicSeed);
        using var contribution = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            using var product = new RingElement();
            _arithmetic.MultiplyAdd(product[prime], uniform[prime], _secret[prime], modulus);
            _arithmetic.MultiplyAdd(contribution[prime], error[prime], modulus.Residue(parameters.NoiseScale), modulus);
            _arithmetic.ScaledDifference(contribution[prime], contribution[prime], product[prime], 1, modulus);
        }

        PublicPart = contribution.ToBytes();
    }

    /// <summary>b_j, encoded.</summary>
    public byte[] PublicPart { get; }

    /// <summary>The share at a point (from 1 on), encoded.</summary>
    public byte[] ShareAt(int point)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(point, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(point, _parameters.Members);
        using var share = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            _secret[prime].CopyTo(share[prime]);
            for (var power = 1; power <= _polynomial.Length; power++)
            {
                _arithmetic.MultiplyAdd(share[prime], _polynomial[power - 1][prime], modulus.Residue(System.Numerics.BigInteger.Pow(point, power)), modulus);
            }
        }

        return share.ToBytes();
    }

    public void Dispose()
    {
        _secret.Dispose();
        Array.ForEach(_polynomial, one => one.Dispose());
    }
}
