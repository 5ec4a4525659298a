using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>An element of the ring as four planes of residues, coefficients or values. It may hold a secret: it is pinned, and wiped when it is disposed.</summary>
internal sealed class RingElement : IDisposable
{
    private readonly Memory<double> _residues = AlignedMemory.Allocate(Ring.Residues);

    /// <summary>The residues modulo one prime.</summary>
    public Span<double> this[int prime] => _residues.Span.Slice(prime * Ring.Degree, Ring.Degree);

    /// <summary>The values of the polynomial with these small coefficients.</summary>
    public static RingElement Transformed(ReadOnlySpan<long> coefficients, RingArithmetic arithmetic)
    {
        var element = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            SmallIntegers.ToDoubles(coefficients, element[prime]);
            arithmetic.Transform(element[prime], Ring.Moduli[prime]);
        }

        return element;
    }

    /// <summary>The uniform element of a region of a keystream, as values.</summary>
    public static RingElement Uniform(KeystreamWords stream, int region)
    {
        var element = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            UniformPolynomial.Fill(element[prime], Ring.Moduli[prime], stream, (Ring.Primes * region) + prime);
        }

        return element;
    }

    /// <summary>Null where the length is wrong or a residue is out of its range.</summary>
    public static RingElement? TryRead(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length != ResidueFormat.ElementSizeBytes)
        {
            return null;
        }

        var element = new RingElement();
        var valid = true;
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            valid &= ResidueFormat.TryRead(encoded.Slice(prime * ResidueFormat.PlaneSizeBytes, ResidueFormat.PlaneSizeBytes), Ring.Moduli[prime], element[prime]);
        }

        return valid ? element : null;
    }

    /// <summary>The one encoding.</summary>
    public void Write(Span<byte> encoded)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(encoded.Length, ResidueFormat.ElementSizeBytes);
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            ResidueFormat.Write(this[prime], Ring.Moduli[prime], encoded.Slice(prime * ResidueFormat.PlaneSizeBytes, ResidueFormat.PlaneSizeBytes));
        }
    }

    /// <summary>As <see cref="Write"/>, to a new array.</summary>
    public byte[] ToBytes()
    {
        var encoded = new byte[ResidueFormat.ElementSizeBytes];
        Write(encoded);
        return encoded;
    }

    /// <summary>Wipes the residues.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_residues.Span));
}
