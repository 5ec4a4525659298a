using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>
/// What a question's sampling parameters do to public logits: biases, penalties for tokens released before, then the cuts (a cut candidate becomes minus infinity).
/// It reads public logits and released tokens only, so it costs nothing.
/// </summary>
internal sealed class TokenShaping(SamplingParameters parameters)
{
    private readonly Dictionary<int, int> _released = [];

    /// <summary>Counts a released token for the penalties.</summary>
    public void Release(int token) => _released[token] = _released.GetValueOrDefault(token) + 1;

    /// <summary>The shaped logits over <paramref name="candidates"/>; at least one is finite.</summary>
    /// <exception cref="InvalidPartException">No candidate has a finite logit.</exception>
    public float[] Shape(IReadOnlyList<int> candidates, ReadOnlySpan<float> publicLogits)
    {
        var shaped = new float[candidates.Count];
        for (var i = 0; i < shaped.Length; i++)
        {
            var logit = publicLogits[i] + Steer(candidates[i]);
            shaped[i] = double.IsFinite(logit) ? (float)logit : float.NegativeInfinity;
        }

        if (!shaped.Any(float.IsFinite))
        {
            throw new InvalidPartException("The engine gave no finite logit.");
        }

        Cut(shaped);
        return shaped;
    }

    private double Steer(int token)
    {
        var count = _released.GetValueOrDefault(token);
        return parameters.LogitBias.GetValueOrDefault(token) - (count * parameters.FrequencyPenalty) - (count > 0 ? parameters.PresencePenalty : 0);
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
