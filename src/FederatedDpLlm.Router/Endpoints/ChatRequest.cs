using System.Text.Json;
using System.Text.Json.Serialization;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>The body of <c>POST /v1/chat/completions</c>: OpenAI's fields that mean something here, and ours under <c>privacy</c>. Other fields are ignored.</summary>
internal sealed record ChatRequest
{
    public string? Model { get; init; }

    public IReadOnlyList<ChatRequestMessage>? Messages { get; init; }

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public int? MaxTokens { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public int? TopK { get; init; }

    public double? MinP { get; init; }

    /// <summary>A text or up to four.</summary>
    public JsonElement Stop { get; init; }

    public int? N { get; init; }

    public long? Seed { get; init; }

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    public IReadOnlyDictionary<string, double>? LogitBias { get; init; }

    public double? PresencePenalty { get; init; }

    public double? FrequencyPenalty { get; init; }

    public ResponseFormat? ResponseFormat { get; init; }

    public PrivacyRequest? Privacy { get; init; }
}

/// <param name="Content">A text, or parts of which each is a text.</param>
internal sealed record ChatRequestMessage(string? Role, JsonElement Content);

/// <param name="Type"><c>text</c>, <c>json_object</c> or <c>json_schema</c>.</param>
internal sealed record ResponseFormat(string? Type, NamedSchema? JsonSchema);

internal sealed record NamedSchema(JsonElement Schema);

internal sealed record StreamOptions(bool? IncludeUsage);

/// <summary>What a question may cost and how it is answered. A member that is not known is an error: a misspelt epsilon would cost the default.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record PrivacyRequest
{
    public double? Epsilon { get; init; }

    public string? Mechanism { get; init; }

    public IReadOnlyList<string>? Choices { get; init; }

    public string? Purpose { get; init; }

    public string? Strategy { get; init; }

    public string? Trust { get; init; }
}
