using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Sampling;

/// <summary>
/// What sampling parameters do to logits: biases, penalties for tokens released before, then the cuts (a cut candidate becomes minus infinity). Where it reads
/// public logits and released tokens only, it costs no privacy.
/// </summary>
/// <param name="parameters">In their ranges.</param>
public sealed class TokenShaping(SamplingParameters parameters)
{
    private readonly Dictionary<int, int> _released = [];

    /// <summary>Counts a released token for the penalties.</summary>
    public void Release(int token) => _released[token] = _released.GetValueOrDefault(token) + 1;

    /// <summary>The shaped logits over <paramref name="candidates"/>; at least one is finite.</summary>
    /// <exception cref="ArgumentException">No candidate has a finite logit.</exception>
    public float[] Shape(IReadOnlyList<int> candidates, ReadOnlySpan<float> publicLogits)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        var shaped = new float[candidates.Count];
        KeepFinite(publicLogits[..shaped.Length], shaped);
        for (var i = 0; (_released.Count > 0 || parameters.LogitBias.Count > 0) && i < shaped.Length; i++)
        {
            shaped[i] = Steered(candidates[i], publicLogits[i]);
        }

        Finish(shaped);
        return shaped;
    }

    /// <summary>The shaped logits of a whole vocabulary, token by token; at least one is finite.</summary>
    /// <param name="publicLogits">One per token.</param>
    /// <param name="shaped">As many.</param>
    /// <exception cref="ArgumentException">No token has a finite logit.</exception>
    public void Shape(ReadOnlySpan<float> publicLogits, Span<float> shaped)
    {
        KeepFinite(publicLogits, shaped);

        // Few are steered, and a vocabulary is large.
        foreach (var token in _released.Keys.Concat(parameters.LogitBias.Keys))
        {
            if ((uint)token < (uint)publicLogits.Length)
            {
                shaped[token] = Steered(token, publicLogits[token]);
            }
        }

        Finish(shaped);
    }

    private static void KeepFinite(ReadOnlySpan<float> logits, Span<float> kept)
    {
        var i = 0;
        for (; i + Vector512<float>.Count <= logits.Length; i += Vector512<float>.Count)
        {
            var some = Vector512.Create(logits[i..]);
            Vector512.ConditionalSelect(Vector512.IsFinite(some), some, Vector512.Create(float.NegativeInfinity)).CopyTo(kept[i..]);
        }

        for (; i < logits.Length; i++)
        {
            kept[i] = float.IsFinite(logits[i]) ? logits[i] : float.NegativeInfinity;
        }
    }

    private float Steered(int token, double logit)
    {
        var count = _released.GetValueOrDefault(token);
        if (count > 0)
        {
            logit = logit > 0 ? logit / parameters.RepetitionPenalty : logit * parameters.RepetitionPenalty;
            logit -= (count * parameters.FrequencyPenalty) + parameters.PresencePenalty;
        }

        logit += parameters.LogitBias.GetValueOrDefault(token);
        return double.IsFinite(logit) ? (float)Math.Min(logit, float.MaxValue) : float.NegativeInfinity;
    }

    private void Finish(Span<float> shaped)
    {
        if (!shaped.ContainsAnyExcept(float.NegativeInfinity))
        {
            throw new ArgumentException("No candidate has a finite logit.");
        }

        Cut(shaped);
    }

    // The likeliest candidate is never cut. Equal logits fall by index, so the cut is the same on every machine.
    private void Cut(Span<float> logits)
    {
        if (parameters is { TopK: 0, TopP: 1, MinP: 0 })
        {
            return;
        }

        var (order, weights) = (Descending(logits), new double[logits.Length]);
        var (temperature, largest, sum) = (Math.Max(parameters.Temperature, 1e-3), (double)logits[order[0]], 0.0);
        for (var rank = 0; rank < order.Length; rank++)
        {
            sum += weights[rank] = Math.Exp((logits[order[rank]] - largest) / temperature);
        }

        var (wanted, held) = (parameters.TopP * sum, 0.0);
        for (var rank = 0; rank < order.Length; rank++)
        {
            var keep = rank == 0 || ((parameters.TopK == 0 || rank < parameters.TopK) && held < wanted && weights[rank] >= parameters.MinP);
            held += weights[rank];
            if (!keep)
            {
                logits[order[rank]] = float.NegativeInfinity;
            }
        }
    }

    // Indices by falling logit, then rising index, sorted as one number: a float's bits fall with it once the negative ones are turned round.
    private static int[] Descending(ReadOnlySpan<float> logits)
    {
        const uint Sign = 0x80000000;
        var keys = new ulong[logits.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            // Minus zero becomes zero, its equal.
            var bits = BitConverter.SingleToUInt32Bits(logits[i] + 0f);
            keys[i] = (ulong)((bits & Sign) != 0 ? bits : ~(bits | Sign)) << 32 | (uint)i;
        }

        Array.Sort(keys);
        return Array.ConvertAll(keys, key => (int)(key & uint.MaxValue));
    }
}
