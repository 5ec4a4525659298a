using System.Text.Json;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>Reads the log-probabilities of tokens, in the forms that servers use. Whatever is no finite number of at most 0 counts as absent.</summary>
internal static class TokenLogProbabilities
{
    // Rounding in a server's softmax may leave a certain token a hair above 0.
    private const double Rounding = 1e-3;

    /// <summary><c>[{"token", "logprob", "bytes", "id"}]</c>, the last two where the server shows them; each token once.</summary>
    public static IReadOnlyList<TokenCandidate> Listed(IEnumerable<JsonElement> entries) =>
        Once(entries.Select(entry => Candidate(entry.Text("token"), LogProbability(entry.Property("logprob"))) is { } candidate
            ? candidate with { Id = entry.Count("id"), Bytes = Bytes(entry) }
            : null));

    /// <summary><c>{"text": logprob}</c>.</summary>
    public static IReadOnlyList<TokenCandidate> Mapped(JsonElement map) => Once(map.Members().Select(entry => Candidate(entry.Name, LogProbability(entry.Value))));

    /// <summary>The sum over an echoed prompt's tokens that begin at or after <paramref name="start"/> and before <paramref name="end"/>; null where nothing is echoed.</summary>
    /// <param name="probabilities">With <c>token_logprobs</c> and <c>text_offset</c>.</param>
    /// <param name="start">In characters of the prompt.</param>
    /// <param name="end">The prompt's length: tokens from there on were generated.</param>
    public static OptionScore? Echoed(JsonElement probabilities, int start, int end)
    {
        var (values, offsets) = (probabilities.Items("token_logprobs").ToList(), probabilities.Items("text_offset").ToList());
        if (values.Count != offsets.Count)
        {
            return null;
        }

        var within = values.Zip(offsets).Where(token => token.Second.AsCount() is { } at && at >= start && at < end).Select(token => LogProbability(token.First) ?? double.NegativeInfinity).ToList();
        return within.Count == 0 ? null : new OptionScore(within.Sum(), within.Count);
    }

    private static TokenCandidate? Candidate(string? text, double? logProbability) => text is not null && logProbability is { } value ? new TokenCandidate(text, value) : null;

    private static List<TokenCandidate> Once(IEnumerable<TokenCandidate?> candidates) =>
        [.. candidates.OfType<TokenCandidate>().DistinctBy(candidate => candidate.Id is { } id ? (object)id : candidate.Text)];

    private static byte[]? Bytes(JsonElement entry)
    {
        var bytes = entry.Items("bytes").Select(value => value.AsCount()).ToList();
        return entry.Property("bytes") is { ValueKind: JsonValueKind.Array } && bytes.TrueForAll(value => value is <= byte.MaxValue) ? [.. bytes.Select(value => (byte)value!.Value)] : null;
    }

    private static double? LogProbability(JsonElement? number) => number?.AsNumber() is { } value && value <= Rounding ? Math.Min(0, value) : null;
}
