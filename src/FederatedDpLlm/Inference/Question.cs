using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving.Constraints.Json;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.Inference;

/// <summary>One question as a node gets it: what is asked, how it may be answered, and what it may cost. Everything in it is public.</summary>
public sealed record Question
{
    /// <summary>The asker's messages, oldest first; at least one, the last one by the user.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    public required AnswerMechanism Mechanism { get; init; }

    /// <summary>The options of a choice: 2 to 64 different texts; empty for the other mechanisms.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The most that this answer may cost a patient of one hospital, the whole answer together; unused by the public path.</summary>
    public Epsilon Epsilon { get; init; }

    /// <summary>The policy's delta, at which <see cref="Epsilon"/> is meant; fixed for the federation, never the asker's choice.</summary>
    public Delta Delta { get; init; }

    /// <summary>Independent answers, 1 to 16. Each is a draw of noise of its own at <see cref="Epsilon"/>: n answers cost n times.</summary>
    public int Answers { get; init; } = 1;

    /// <summary>The longest answer, in tokens: at least 1. Private decoding spreads its epsilon evenly over them.</summary>
    public int MaxTokens { get; init; } = 64;

    /// <summary>Above 0 in private decoding, where it sets the mechanism's tau; 0 is greedy on the public path.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>In (0, 1]; cuts on the public probabilities.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>0 keeps all; cuts on the public logits.</summary>
    public int TopK { get; init; }

    /// <summary>In [0, 1): drops tokens whose public probability is below this share of the likeliest one's.</summary>
    public double MinP { get; init; }

    /// <summary>Up to 4 texts that end the answer; read from released tokens only.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Public additions to logits by token, in [-100, 100].</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = new Dictionary<int, double>();

    /// <summary>In [-2, 2]; from released tokens only.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>In [-2, 2]; from released tokens only.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>A seed that the asker gave: refused where noise is drawn, since known noise is no noise.</summary>
    public long? Seed { get; init; }

    /// <summary>A JSON schema that a public answer keeps to (<see cref="JsonShape.Parse"/> says what of it is enforced); null for any text.</summary>
    public string? AnswerSchema { get; init; }

    /// <summary>Whether log-probabilities were asked for: refused where noise is drawn, since they are a second, unpaid release.</summary>
    public bool LogProbabilities { get; init; }

    /// <summary>Who asks, where the node is told: parts of prompts that were read before serve the same asker only.</summary>
    public string Asker { get; init; } = string.Empty;

    /// <summary>The mechanism only: what people ask is not for logs.</summary>
    public override string ToString() => $"Question ({Mechanism}, {Messages.Count} messages)";

    internal SamplingParameters Sampling => new()
    {
        Temperature = Temperature,
        TopP = TopP,
        TopK = TopK,
        MinP = MinP,
        LogitBias = LogitBias,
        FrequencyPenalty = FrequencyPenalty,
        PresencePenalty = PresencePenalty,
    };
}
