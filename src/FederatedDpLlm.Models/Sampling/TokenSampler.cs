using System.Buffers.Binary;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Sampling;

/// <summary>Chooses tokens: greedily, or by temperature and nucleus (Holtzman et al. 2020, arXiv 1904.09751) with a cryptographic source.</summary>
public sealed class TokenSampler(ISecureRandom random)
{
    /// <summary>One token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Temperature is negative or not finite, or top-p not within (0, 1].</exception>
    public int Sample(ReadOnlySpan<float> logits, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!double.IsFinite(options.Temperature) || options.Temperature < 0 || options.TopP is not (> 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options, "The temperature is at least 0, top-p within (0, 1].");
        }

        return options.Temperature == 0 ? Largest(logits) : Draw(Nucleus(logits, options));
    }

    /// <summary>The most likely token; the first of equals.</summary>
    public static int Largest(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var token = 1; token < logits.Length; token++)
        {
            if (logits[token] > logits[best])
            {
                best = token;
            }
        }

        return best;
    }

    // Tokens with their weights, most likely first, cut where top-p is reached.
    private static List<(int Token, double Weight)> Nucleus(ReadOnlySpan<float> logits, SamplingOptions options)
    {
        var max = logits[Largest(logits)];
        var weights = new List<(int Token, double Weight)>(logits.Length);
        for (var token = 0; token < logits.Length; token++)
        {
            weights.Add((token, Math.Exp(((double)logits[token] - max) / options.Temperature)));
        }

        if (options.TopP >= 1)
        {
            return weights;
        }

        weights.Sort((a, b) => b.Weight != a.Weight ? b.Weight.CompareTo(a.Weight) : a.Token.CompareTo(b.Token));
        var (wanted, held, kept) = (options.TopP * weights.Sum(one => one.Weight), 0.0, 0);
        while (kept < weights.Count && held < wanted)
        {
            held += weights[kept++].Weight;
        }

        weights.RemoveRange(kept, weights.Count - kept);
        return weights;
    }

    private int Draw(List<(int Token, double Weight)> weights)
    {
        Span<byte> bytes = stackalloc byte[8];
        random.Fill(bytes);
        var uniform = (BinaryPrimitives.ReadUInt64LittleEndian(bytes) >> 11) * (1.0 / (1UL << 53));
        var left = uniform * weights.Sum(one => one.Weight);
        foreach (var (token, weight) in weights)
        {
            left -= weight;
            if (left < 0)
            {
                return token;
            }
        }

        return weights[^1].Token;
    }
}
