using System.Globalization;
using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>Turns a body into a question, or into the error that says which field is wrong. What the planner checks is not checked here a second time.</summary>
internal sealed class ChatRequestReader(IQuotaPolicy policy, FederatedRouter router, TimeProvider clock)
{
    private const string IdempotencyKey = "Idempotency-Key";
    // With the user before it and a number after it, it is still a request id of the audit log.
    private const int LongestRequestId = 96;
    private const int LongestPurpose = 64;
    private const string DefaultPurpose = "treatment";

    public static string NewRequestId() => "req-" + Guid.NewGuid().ToString("N");

    /// <summary>The caller's own id for idempotence; null where none is given.</summary>
    /// <exception cref="UnreadableRequestException">The id is too long or has characters that do not belong in an id.</exception>
    public static string? GivenRequestId(IHeaderDictionary headers, Caller caller)
    {
        var header = headers.ContainsKey(IdempotencyKey) ? IdempotencyKey : "X-Request-Id";
        var given = headers[header].ToString();
        if (given.Length == 0)
        {
            return null;
        }

        // Prefixed with the user, so that nobody can use up another's ids; '#' and '~' are ours.
        return given.Length <= LongestRequestId && given.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_' or '.' or ':' or '=' or '+' or '@')
            ? $"{caller.User}/{given}"
            : throw Invalid(header, $"At most {LongestRequestId} letters, digits and '-', '_', '.', ':', '=', '+', '@'.");
    }

    /// <exception cref="UnreadableRequestException">A field is wrong; the error names it.</exception>
    public RoutedQuestion Read(ChatRequest request, Caller caller, string requestId)
    {
        var privacy = request.Privacy ?? new PrivacyRequest();
        var mechanism = Mechanism(privacy);
        return new RoutedQuestion(requestId, caller, Purpose(privacy.Purpose), Model(request.Model), Strategy(privacy.Strategy), Trust(privacy.Trust), new Question
        {
            Messages = Messages(request.Messages),
            Mechanism = mechanism,
            Choices = privacy.Choices ?? [],
            Epsilon = mechanism == AnswerMechanism.Public ? new Epsilon(0) : Epsilon(privacy.Epsilon, caller.Department),
            Delta = new Delta(policy.Delta),
            Answers = request.N ?? 1,
            MaxTokens = request.MaxCompletionTokens ?? request.MaxTokens ?? 64,
            Temperature = request.Temperature ?? 1,
            TopP = request.TopP ?? 1,
            TopK = request.TopK ?? 0,
            MinP = request.MinP ?? 0,
            Stop = Stop(request.Stop),
            LogitBias = LogitBias(request.LogitBias),
            PresencePenalty = request.PresencePenalty ?? 0,
            FrequencyPenalty = request.FrequencyPenalty ?? 0,
            Seed = request.Seed,
            AnswerSchema = AnswerSchema(request.ResponseFormat),
            LogProbabilities = request.Logprobs == true || request.TopLogprobs is > 0,
        })
        {
            AskedAt = clock.GetUtcNow(),
        };
    }

    // It is written into audit logs and shown on the page: a name, and no place for text.
    private static string Purpose(string? purpose) => purpose is null
        ? DefaultPurpose
        : purpose.Length is > 0 and <= LongestPurpose && purpose.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_' or '.')
            ? purpose
            : throw Invalid("privacy.purpose", $"At most {LongestPurpose} letters, digits and '-', '_', '.'.");

    private string? Strategy(string? strategy) =>
        strategy is null || router.Strategies.Contains(strategy) ? strategy : throw Invalid("privacy.strategy", $"One of {string.Join(", ", router.Strategies)}.");

    private static AnswerMechanism Mechanism(PrivacyRequest privacy) => privacy.Mechanism is { } name
        ? QuestionWire.Named(name) ?? throw Invalid("privacy.mechanism", "One of choice, private-decoding, public.")
        : privacy.Choices is null ? AnswerMechanism.PrivateDecoding : AnswerMechanism.Choice;

    private string Model(string? model)
    {
        var known = router.Models;
        if (model is null)
        {
            throw Invalid("model", "Name a model; GET /v1/models lists them.");
        }

        return known.Count == 0 || known.Contains(model)
            ? model
            : throw new UnreadableRequestException(new OpenAiError(
                StatusCodes.Status404NotFound, "invalid_request_error", "model_not_found", $"No hospital serves this model now; one of {string.Join(", ", known)}.", "model"));
    }

    private Epsilon Epsilon(double? asked, string department)
    {
        var epsilon = asked ?? policy.DefaultEpsilon(department);
        return double.IsFinite(epsilon) && epsilon > 0 ? new Epsilon(epsilon) : throw Invalid("privacy.epsilon", "A number above 0; for the base model alone ask for the mechanism 'public'.");
    }

    private static NoisePlace Trust(string? trust) => trust switch
    {
        null or "node" => NoisePlace.Node,
        "router" => NoisePlace.Router,
        _ => throw Invalid("privacy.trust", "One of node, router."),
    };

    private static List<ChatMessage> Messages(IReadOnlyList<ChatRequestMessage>? messages) => messages is null
        ? throw Invalid("messages", "Give the conversation, its last message by the user.")
        : [.. messages.Select((message, index) => new ChatMessage(Role(message, index), Content(message, index)))];

    private static string Role(ChatRequestMessage? message, int index) => message?.Role switch
    {
        "system" or "user" or "assistant" => message.Role,
        "developer" => "system",
        _ => throw Invalid($"messages[{index}].role", "One of system, developer, user, assistant."),
    };

    private static string Content(ChatRequestMessage message, int index) => message.Content.ValueKind switch
    {
        JsonValueKind.String => Text(message.Content, $"messages[{index}].content"),
        JsonValueKind.Array => string.Concat(message.Content.EnumerateArray().Select(part => Part(part, index))),
        _ => throw Invalid($"messages[{index}].content", "A text, or parts of type text."),
    };

    private static string Part(JsonElement part, int index) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && Text(type, $"messages[{index}].content") == "text"
            && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
            ? Text(text, $"messages[{index}].content")
            : throw Invalid($"messages[{index}].content", "Parts of type text only.");

    private static IReadOnlyList<string> Stop(JsonElement stop) => stop.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => [],
        JsonValueKind.String => [Text(stop, "stop")],
        JsonValueKind.Array when stop.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String) => [.. stop.EnumerateArray().Select(one => Text(one, "stop"))],
        _ => throw Invalid("stop", "A text, or up to four texts."),
    };

    private static string? AnswerSchema(ResponseFormat? format) => format?.Type switch
    {
        null when format is null => null,
        "text" => null,
        "json_object" => """{"type":"object"}""",
        "json_schema" => format.JsonSchema?.Schema is { ValueKind: JsonValueKind.Object } schema ? schema.GetRawText() : throw Invalid("response_format.json_schema.schema", "A JSON schema."),
        _ => throw Invalid("response_format.type", "One of text, json_object, json_schema."),
    };

    private static Dictionary<int, double> LogitBias(IReadOnlyDictionary<string, double>? bias)
    {
        var byToken = new Dictionary<int, double>();
        foreach (var (key, value) in bias ?? new Dictionary<string, double>())
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var token) || !byToken.TryAdd(token, value))
            {
                throw Invalid("logit_bias", "Keys are token ids, each once.");
            }
        }

        return byToken;
    }

    // JSON can spell half a character, which no text can hold.
    private static string Text(JsonElement text, string parameter)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Invalid(parameter, "A text of whole Unicode characters.");
        }
    }

    private static UnreadableRequestException Invalid(string parameter, string message) => new(OpenAiError.Invalid(parameter, message));
}

/// <summary>A request that cannot be read, with what to tell the caller.</summary>
internal sealed class UnreadableRequestException(OpenAiError error) : Exception(error.Message)
{
    public OpenAiError Error { get; } = error;
}
