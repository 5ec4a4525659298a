using System.Text.Json;

namespace FederatedDpLlm.Inference.Engines.OpenAi;

/// <summary>Reads the log-probabilities of an answer's tokens, in the two forms that servers use. Whatever is no finite number of at most 0 counts as absent.</summary>
internal static class TokenLogProbabilities
{
    // Rounding in a server's softmax may leave a certain token a hair above 0.
    private const double Rounding = 1e-3;

    /// <summary>The first generated token's candidates by their text; null where the answer holds none.</summary>
    public static Dictionary<string, double>? FirstCandidates(JsonElement answer)
    {
        if (Find(answer) is not { } probabilities)
        {
            return null;
        }

        // {"content": [{"top_logprobs": [{"token", "logprob"}]}]}: chat completions everywhere, and llama.cpp's completions too.
        if (First(probabilities, "content") is { ValueKind: JsonValueKind.Object } token && token.TryGetProperty("top_logprobs", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            return Collect(list.EnumerateArray().Select(entry => (Text(entry, "token"), Number(entry, "logprob"))));
        }

        // {"top_logprobs": [{"text": logprob}]}: vLLM's completions.
        return First(probabilities, "top_logprobs") is { ValueKind: JsonValueKind.Object } map
            ? Collect(map.EnumerateObject().Select(entry => ((string?)entry.Name, Number(entry.Value))))
            : null;
    }

    /// <summary>The sum over an echoed prompt's tokens that begin at or after <paramref name="start"/> and before <paramref name="end"/>; null where the answer echoes nothing.</summary>
    /// <param name="answer">With <c>token_logprobs</c> and <c>text_offset</c>.</param>
    /// <param name="start">In characters of the prompt.</param>
    /// <param name="end">The prompt's length: tokens from there on were generated.</param>
    public static OptionScore? Echoed(JsonElement answer, int start, int end)
    {
        if (Find(answer) is not { } probabilities || !Array(probabilities, "token_logprobs", out var values) || !Array(probabilities, "text_offset", out var offsets)
            || values.GetArrayLength() != offsets.GetArrayLength())
        {
            return null;
        }

        var (sum, tokens) = (0.0, 0);
        foreach (var (value, offset) in values.EnumerateArray().Zip(offsets.EnumerateArray()))
        {
            if (offset.ValueKind == JsonValueKind.Number && offset.TryGetInt32(out var at) && at >= start && at < end)
            {
                tokens++;
                sum += Number(value) ?? double.NegativeInfinity;
            }
        }

        return tokens == 0 ? null : new OptionScore(sum, tokens);
    }

    /// <summary>The first choice's object; null where there is none.</summary>
    public static JsonElement? FirstChoice(JsonElement answer) => answer.ValueKind == JsonValueKind.Object && First(answer, "choices") is { ValueKind: JsonValueKind.Object } choice ? choice : null;

    private static JsonElement? Find(JsonElement answer) =>
        FirstChoice(answer) is { } choice && choice.TryGetProperty("logprobs", out var probabilities) && probabilities.ValueKind == JsonValueKind.Object ? probabilities : null;

    private static Dictionary<string, double>? Collect(IEnumerable<(string? Text, double? Value)> entries)
    {
        var candidates = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (text, value) in entries)
        {
            if (text is not null && value is { } logProbability)
            {
                candidates.TryAdd(text, logProbability);
            }
        }

        return candidates.Count == 0 ? null : candidates;
    }

    private static JsonElement? First(JsonElement parent, string name) => Array(parent, name, out var array) && array.GetArrayLength() > 0 ? array[0] : null;

    private static bool Array(JsonElement parent, string name, out JsonElement array) => parent.TryGetProperty(name, out array) && array.ValueKind == JsonValueKind.Array;

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static double? Number(JsonElement parent, string name) => parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var number) ? Number(number) : null;

    private static double? Number(JsonElement number) =>
        number.ValueKind == JsonValueKind.Number && number.TryGetDouble(out var value) && double.IsFinite(value) && value <= Rounding ? Math.Min(0, value) : null;
}
