namespace FederatedDpLlm.Inference.Engines;

/// <summary>How tokens are drawn from logits; ranges as in <see cref="Question"/>.</summary>
public sealed record SamplingParameters
{
    public double Temperature { get; init; } = 1;

    public double TopP { get; init; } = 1;

    public int TopK { get; init; }

    public double MinP { get; init; }

    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = new Dictionary<int, double>();

    public double FrequencyPenalty { get; init; }

    public double PresencePenalty { get; init; }
}
