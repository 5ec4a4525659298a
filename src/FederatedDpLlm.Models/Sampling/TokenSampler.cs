using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Sampling;

/// <summary>Chooses tokens from logits that <see cref="TokenShaping"/> has shaped: the largest, or by their probabilities.</summary>
/// <param name="random">A cryptographic source, or a seeded one where an answer must be the same again; 8 bytes a token.</param>
public sealed class TokenSampler(ISecureRandom random)
{
    /// <summary>The index of one token. Minus infinity is never chosen.</summary>
    /// <param name="logits">At least one is finite.</param>
    /// <param name="temperature">At least 0; 0 takes the largest.</param>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is negative or not finite.</exception>
    public int Sample(ReadOnlySpan<float> logits, double temperature)
    {
        if (!double.IsFinite(temperature) || temperature < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "The temperature is at least 0.");
        }

        return temperature == 0 ? Largest(logits) : Draw(logits, temperature);
    }

    /// <summary>The most likely token; the first of equals.</summary>
    public static int Largest(ReadOnlySpan<float> logits)
    {
        const int Lanes = 16;
        var best = 0;
        for (var first = 0; first < logits.Length; first += Lanes)
        {
            var some = logits[first..Math.Min(first + Lanes, logits.Length)];
            if (some.Length < Lanes || Vector512.GreaterThanAny(Vector512.Create(some), Vector512.Create(logits[best])))
            {
                best = LargerIn(some, first, logits, best);
            }
        }

        return best;
    }

    private static int LargerIn(ReadOnlySpan<float> some, int first, ReadOnlySpan<float> logits, int best)
    {
        for (var i = 0; i < some.Length; i++)
        {
            best = some[i] > logits[best] ? first + i : best;
        }

        return best;
    }

    private int Draw(ReadOnlySpan<float> logits, double temperature)
    {
        var largest = Largest(logits);
        var weights = new double[logits.Length];
        var sum = 0.0;
        for (var token = 0; token < weights.Length; token++)
        {
            sum += weights[token] = Math.Exp(((double)logits[token] - logits[largest]) / temperature);
        }

        Span<byte> bytes = stackalloc byte[8];
        random.Fill(bytes);
        var left = (BinaryPrimitives.ReadUInt64LittleEndian(bytes) >> 11) * (1.0 / (1UL << 53)) * sum;
        for (var token = 0; token < weights.Length; token++)
        {
            left -= weights[token];
            if (left < 0)
            {
                return token;
            }
        }

        // Rounding used the sum up: as likely as 2^-53.
        return largest;
    }
}
