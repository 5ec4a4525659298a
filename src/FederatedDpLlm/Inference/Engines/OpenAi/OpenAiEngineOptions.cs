namespace FederatedDpLlm.Inference.Engines.OpenAi;

/// <summary>An OpenAI-compatible endpoint behind a node: vLLM, llama.cpp server, Ollama.</summary>
public sealed class OpenAiEngineOptions
{
    /// <summary>Up to and with the version, as <c>http://127.0.0.1:8000/v1</c>.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>The model's name at the endpoint.</summary>
    public required string Model { get; init; }

    /// <summary>Sent as a bearer token; null where the endpoint wants none. Never logged.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The longest context in tokens; 0 where unknown.</summary>
    public int ContextTokens { get; init; }

    /// <summary>How long one call may take. Default 2 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The candidates asked for per token, 2 to 1,000. Default 20, the most that vLLM gives unless it is configured otherwise.</summary>
    public int TopCandidates { get; init; } = 20;

    /// <summary>Calls in flight for one question, 1 to 64. Default 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>The texts of tokens that end an answer.</summary>
    public IReadOnlyList<string> EndTexts { get; init; } = ["", "</s>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>"];

    /// <summary>How options are scored; null to find out what the endpoint offers.</summary>
    public ScoreSource? Scores { get; init; }

    /// <summary>The endpoint and the model; never the key.</summary>
    public override string ToString() => $"{Model} at {BaseUrl.GetLeftPart(UriPartial.Path)}";
}
