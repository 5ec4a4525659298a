namespace FederatedDpLlm.Models.Sampling;

/// <summary>How a token is chosen from logits.</summary>
/// <param name="Temperature">Divides the logits; 0 takes the largest.</param>
/// <param name="TopP">In (0, 1]: the smallest set of most likely tokens that holds this much probability; 1 keeps all.</param>
public sealed record SamplingOptions(double Temperature, double TopP = 1)
{
    /// <summary>The most likely token, always.</summary>
    public static SamplingOptions Greedy { get; } = new(0);
}
