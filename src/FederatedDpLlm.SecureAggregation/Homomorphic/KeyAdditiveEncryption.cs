using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Key-additive encryption of a vector: c = a s + T e + m for each ring element, a public and the same for all clients of a round, s the client's key of the
/// round, e fresh. Ciphertexts add without decryption, and the sum opens with the sum of the keys, never with less.
/// References: Bell, Gascón, Lepoint, Li, Meiklejohn, Raykova, Yun, "ACORN", USENIX Security 2023 (key- and message-homomorphic encryption for aggregation);
/// Lyubashevsky, Peikert, Regev, EUROCRYPT 2010 (ring learning with errors); Bell-Clark et al., "Willow", CRYPTO 2025 (parameters of the same shape).
/// Security: that c looks uniform rests on ring-LWE with the hint that the sums of all s and e become known. Not reviewed by a cryptographer yet.
/// Everything is a function of the secret, so that a client that repeats a step after a crash repeats the bytes; a secret serves one vector.
/// </summary>
internal sealed class KeyAdditiveEncryption : IDisposable
{
    /// <summary>Coefficients of a key, each at most <see cref="GaussianNoise.Largest"/> in absolute value.</summary>
    public const int KeyLength = Ring.Degree;

    /// <summary>Bits of a signed key coefficient.</summary>
    public const int KeyBits = 7;

    private readonly SlotLayout _layout;
    private readonly RingArithmetic _arithmetic;
    private readonly KeystreamWords _public;
    private readonly KeystreamWords _errors;
    private readonly RingElement _key;
    private readonly long[] _coefficients = GC.AllocateArray<long>(KeyLength, pinned: true);
    private readonly double[][] _factors;

    /// <param name="layout">How values are packed.</param>
    /// <param name="publicKey">The public seed of the round (16 bytes).</param>
    /// <param name="secret">This client's secret for this vector (32 bytes).</param>
    /// <param name="arithmetic">Null for the fastest.</param>
    public KeyAdditiveEncryption(SlotLayout layout, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secret, RingArithmetic? arithmetic = null)
    {
        _layout = layout;
        _arithmetic = arithmetic ?? RingArithmetic.Fastest;
        _public = new KeystreamWords(publicKey);
        _errors = KeystreamWords.Derive(secret, [], "ring errors"u8, [], -1, -1);
        using var keyStream = KeystreamWords.Derive(secret, [], "ring key"u8, [], -1, -1);
        GaussianNoise.Fill(_coefficients, keyStream, region: 0);
        _key = RingElement.Transformed(_coefficients, _arithmetic);
        _factors = [.. Ring.Moduli.ToArray().Select(modulus => LimbFactors.Of(1, modulus))];
    }

    /// <summary>The key, which goes to the key layer.</summary>
    public ReadOnlySpan<long> Key => _coefficients;

    /// <summary>The length of the ciphertext of a vector.</summary>
    public static long SizeBytes(SlotLayout layout, int length) => (long)layout.ElementsFor(length) * ResidueFormat.ElementSizeBytes;

    /// <summary>Encrypts a vector.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; the ciphertext is then wiped.</exception>
    public void Encrypt(ReadOnlyMemory<int> values, Memory<byte> ciphertext, int workers)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(ciphertext.Length, SizeBytes(_layout, values.Length));
        var elements = _layout.ElementsFor(values.Length);
        var wrong = 0;
        void Run(int worker)
        {
            using var buffers = new Buffers(_layout);
            for (var element = worker; element < elements; element += workers)
            {
                var part = values.Span[(element * _layout.ValuesPerElement)..];
                var target = ciphertext.Span.Slice(element * ResidueFormat.ElementSizeBytes, ResidueFormat.ElementSizeBytes);
                if (!EncryptElement(buffers.Padded(part), element, buffers, target))
                {
                    Volatile.Write(ref wrong, 1);
                }
            }
        }

        if (workers <= 1)
        {
            workers = 1;
            Run(0);
        }
        else
        {
            Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, Run);
        }

        if (wrong != 0)
        {
            CryptographicOperations.ZeroMemory(ciphertext.Span);
            throw new ArgumentOutOfRangeException(nameof(values), $"A value does not fit {_layout.ValueBits} signed bits; quantise before encrypting.");
        }
    }

    public void Dispose()
    {
        _key.Dispose();
        _public.Dispose();
        _errors.Dispose();
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_coefficients.AsSpan()));
    }

    private bool EncryptElement(ReadOnlySpan<int> values, int element, Buffers buffers, Span<byte> ciphertext)
    {
        GaussianNoise.Fill(buffers.Noise, _errors, element);
        var valid = true;
        Span<long> limbs = stackalloc long[LimbPlanes.Limbs * SlotLayout.Piece];
        Span<double> limbDoubles = stackalloc double[LimbPlanes.Limbs * SlotLayout.Piece];
        for (var first = 0; first < Ring.Degree; first += SlotLayout.Piece)
        {
            valid &= _layout.Pack(values, first, buffers.Noise.AsSpan(first, SlotLayout.Piece), limbs);
            SmallIntegers.ToDoubles(limbs, limbDoubles);
            for (var prime = 0; prime < Ring.Primes; prime++)
            {
                _arithmetic.Combine(buffers.Message[prime].Slice(first, SlotLayout.Piece), new LimbPlanes(limbDoubles), _factors[prime], Ring.Moduli[prime]);
            }
        }

        limbs.Clear();
        limbDoubles.Clear();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            var plane = buffers.Message[prime];
            _arithmetic.Transform(plane, modulus);
            UniformPolynomial.Fill(buffers.Public.Span, modulus, _public, (Ring.Primes * element) + prime);
            _arithmetic.MultiplyAdd(plane, buffers.Public.Span, _key[prime], modulus);
            ResidueFormat.Write(plane, modulus, ciphertext.Slice(prime * ResidueFormat.PlaneSizeBytes, ResidueFormat.PlaneSizeBytes));
        }

        return valid;
    }

    // What one worker needs, wiped at the end: messages and errors pass through it.
    private sealed class Buffers(SlotLayout layout) : IDisposable
    {
        private int[]? _padded;

        public long[] Noise { get; } = GC.AllocateArray<long>(Ring.Degree, pinned: true);

        public RingElement Message { get; } = new();

        public Memory<double> Public { get; } = AlignedMemory.Allocate(Ring.Degree);

        /// <summary>The values of one element, the last one filled up with zeros.</summary>
        public ReadOnlySpan<int> Padded(ReadOnlySpan<int> rest)
        {
            if (rest.Length >= layout.ValuesPerElement)
            {
                return rest[..layout.ValuesPerElement];
            }

            _padded = GC.AllocateArray<int>(layout.ValuesPerElement, pinned: true);
            rest.CopyTo(_padded);
            return _padded;
        }

        public void Dispose()
        {
            Message.Dispose();
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(Noise.AsSpan()));
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_padded.AsSpan()));
        }
    }
}
