using System.Text.Json.Serialization;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>OpenAI's own fields are snake_case; the members of our <c>privacy</c> object are camelCase, as the API documents them.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(ChatResponse))]
[JsonSerializable(typeof(OpenAiErrorBody))]
[JsonSerializable(typeof(ModelList))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
