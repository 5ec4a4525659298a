namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>Opens a sum of ciphertexts with the sum of the keys: the sum's coefficient is T times the sum of the errors plus the packed sums of the values.</summary>
internal sealed class SumDecryption(SlotLayout layout, int survivors, RingArithmetic? arithmetic = null)
{
    private readonly RingArithmetic _arithmetic = arithmetic ?? RingArithmetic.Fastest;

    /// <summary>
    /// The sum of the values; null where an error is larger than the survivors' errors can be together: somebody's key or ciphertext was not what it should be,
    /// and the rest of the sum means nothing either.
    /// </summary>
    /// <param name="sum">The sum of the survivors' ciphertexts.</param>
    /// <param name="keySum">The sum of their keys.</param>
    /// <param name="publicKey">The public seed of the round.</param>
    /// <param name="length">How many values there are.</param>
    /// <param name="workers">How many threads share the work.</param>
    /// <param name="firstElement">Where in the sum the ciphertext begins.</param>
    public int[]? Decrypt(CiphertextSum sum, ReadOnlySpan<long> keySum, ReadOnlySpan<byte> publicKey, int length, int workers, int firstElement = 0)
    {
        using var stream = new KeystreamWords(publicKey);
        using var key = RingElement.Transformed(keySum, _arithmetic);
        var values = new int[length];
        var failed = 0;
        Parallel.For(0, layout.ElementsFor(length), new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, workers) }, element =>
        {
            var part = new int[layout.ValuesPerElement];
            if (!DecryptElement(sum, firstElement + element, element, key, stream, part))
            {
                Volatile.Write(ref failed, 1);
                return;
            }

            var start = element * layout.ValuesPerElement;
            part.AsSpan(0, Math.Min(part.Length, length - start)).CopyTo(values.AsSpan(start));
        });
        return failed == 0 ? values : null;
    }

    private bool DecryptElement(CiphertextSum sum, int place, int element, RingElement key, KeystreamWords stream, Span<int> values)
    {
        using var message = new RingElement();
        using var product = new RingElement();
        using var uniform = RingElement.Uniform(stream, element);
        sum.Read(place, message);
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            _arithmetic.MultiplyAdd(product[prime], uniform[prime], key[prime], modulus);
            _arithmetic.ScaledDifference(message[prime], message[prime], product[prime], 1, modulus);
            _arithmetic.InverseTransform(message[prime], modulus);
        }

        MixedRadix.ToDigits(message, _arithmetic);
        return Unpack(message, values);
    }

    private bool Unpack(RingElement digits, Span<int> values)
    {
        Span<ulong> words = stackalloc ulong[4];
        var largest = (long)survivors * GaussianNoise.Largest;
        for (var coefficient = 0; coefficient < Ring.Degree; coefficient++)
        {
            MixedRadix.ToWords(digits, coefficient, words);

            // The message is never negative and below T, so what stands above it is the sum of the errors.
            var error = unchecked((long)((words[2] >> (layout.MessageBits - 128)) | (words[3] << (192 - layout.MessageBits))));
            if (error < -largest || error > largest)
            {
                return false;
            }

            layout.Unpack(words[0], words[1], words[2], survivors, coefficient, values);
        }

        return true;
    }
}
