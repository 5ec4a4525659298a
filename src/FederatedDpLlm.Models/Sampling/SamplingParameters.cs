namespace FederatedDpLlm.Models.Sampling;

/// <summary>How tokens are drawn from logits: biases and penalties first, then the temperature, then the cuts.</summary>
public sealed record SamplingParameters
{
    /// <summary>The most likely token, always.</summary>
    public static SamplingParameters Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Divides the logits; at least 0, where 0 takes the largest.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>In (0, 1]: the smallest set of most likely tokens that holds this much probability (Holtzman et al. 2020, arXiv:1904.09751); 1 keeps all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>This many of the most likely tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>In [0, 1]: tokens at least this share as likely as the most likely one (Nguyen et al. 2024, arXiv:2407.01082); 0 keeps all.</summary>
    public double MinP { get; init; }

    /// <summary>Above 0: logits of tokens that came before are divided by it where they are positive, else multiplied (Keskar et al. 2019, arXiv:1909.05858); 1 changes nothing.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Added to a token's logit.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = new Dictionary<int, double>();

    /// <summary>Taken off a token's logit for every time it came before.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Taken off the logit of a token that came before.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Itself, once its ranges are checked.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A parameter is out of its range.</exception>
    public SamplingParameters Checked()
    {
        Demand(double.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), "at least 0");
        Demand(TopP is > 0 and <= 1, nameof(TopP), "within (0, 1]");
        Demand(TopK >= 0, nameof(TopK), "at least 0");
        Demand(MinP is >= 0 and <= 1, nameof(MinP), "within [0, 1]");
        Demand(double.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, nameof(RepetitionPenalty), "above 0");
        Demand(double.IsFinite(FrequencyPenalty), nameof(FrequencyPenalty), "a number");
        Demand(double.IsFinite(PresencePenalty), nameof(PresencePenalty), "a number");
        return this;

        static void Demand(bool holds, string name, string range)
        {
            if (!holds)
            {
                throw new ArgumentOutOfRangeException(name, $"{name} has to be {range}.");
            }
        }
    }
}
