namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>A model server behind a node.</summary>
public sealed class RemoteEngineOptions
{
    public required EngineKind Kind { get; init; }

    /// <summary>The server's address. For <see cref="EngineKind.OpenAi"/> up to and with the version, as <c>http://127.0.0.1:8000/v1</c>; the others' may leave it out.</summary>
    public required Uri BaseUrl { get; init; }

    /// <summary>The model's name at the server.</summary>
    public required string Model { get; init; }

    /// <summary>Sent as a bearer token; null where the server wants none. Never logged.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The longest context in tokens; 0 to take what the server reports.</summary>
    public int ContextTokens { get; init; }

    /// <summary>How long one call, or one line of a stream, may take. Default 2 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The candidates asked for per token, 2 to 1,000. Default 20, the most that vLLM and Ollama give unless they are configured otherwise.</summary>
    public int TopCandidates { get; init; } = 20;

    /// <summary>Calls in flight for one question, 1 to 64. Default 4.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>The texts of tokens that end an answer.</summary>
    public IReadOnlyList<string> EndTexts { get; init; } = ["", "</s>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>"];

    /// <summary>How options are scored; null to find out what the server offers.</summary>
    public ScoreSource? Scores { get; init; }

    /// <summary>The server and the model; never a key, be it in the address as a user, a password or a query.</summary>
    public override string ToString() => $"{Model} at {BaseUrl.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)}";
}
