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
        for (var i = 0; i < shaped.Length; i++)
        {
            var logit = Steer(candidates[i], publicLogits[i]);
            shaped[i] = double.IsFinite(logit) ? (float)logit : float.NegativeInfinity;
        }

        if (!shaped.Any(float.IsFinite))
        {
            throw new ArgumentException("No candidate has a finite logit.", nameof(publicLogits));
        }

        Cut(shaped);
        return shaped;
    }

    private double Steer(int token, double logit)
    {
        var count = _released.GetValueOrDefault(token);
        if (count > 0)
        {
            logit = logit > 0 ? logit / parameters.RepetitionPenalty : logit * parameters.RepetitionPenalty;
            logit -= (count * parameters.FrequencyPenalty) + parameters.PresencePenalty;
        }

        return logit + parameters.LogitBias.GetValueOrDefault(token);
    }

    // The likeliest candidate is never cut. Equal logits fall by index, so the cut is the same on every machine.
    private void Cut(float[] logits)
    {
        if (parameters is { TopK: 0, TopP: 1, MinP: 0 })
        {
            return;
        }

        var order = Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i]).ThenBy(i => i).ToArray();
        var temperature = Math.Max(parameters.Temperature, 1e-3);
        var weights = order.Select(i => Math.Exp((logits[i] - (double)logits[order[0]]) / temperature)).ToArray();
        var (wanted, held) = (parameters.TopP * weights.Sum(), 0.0);
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
}
