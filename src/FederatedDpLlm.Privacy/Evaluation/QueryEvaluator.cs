using System.Text.Json;
using System.Text.RegularExpressions;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>Answers questions in the vocabulary of published privacy test vectors: a mechanism, its parameters by name, and the quantity wanted.</summary>
public static partial class QueryEvaluator
{
    /// <summary>The mechanisms that are understood.</summary>
    public static IReadOnlyCollection<string> Mechanisms { get; } = [.. Vocabulary.Answers.Keys];

    /// <summary>
    /// A number (possibly infinite) or null (impossible) per comma-separated quantity; <c>name[a..b]</c> gives one for each whole number from a to b. A single quantity over a list of
    /// orders or rates gives one for each of them.
    /// </summary>
    /// <param name="mechanism">One of <see cref="Mechanisms"/>.</param>
    /// <param name="parameters">A JSON object.</param>
    /// <param name="quantity">What to compute, as in <c>epsilon</c> or <c>rho,epsilon</c>.</param>
    /// <returns>The values, and whether they are a list.</returns>
    /// <exception cref="QueryException">There is no answer; the message says why.</exception>
    public static (IReadOnlyList<double?> Values, bool IsList) Evaluate(string mechanism, JsonElement parameters, string quantity)
    {
        ArgumentNullException.ThrowIfNull(quantity);
        if (!Vocabulary.Answers.TryGetValue(mechanism ?? "", out var answer))
        {
            throw new QueryException($"mechanism '{mechanism}' is unknown");
        }

        if (parameters.ValueKind != JsonValueKind.Object)
        {
            throw new QueryException("parameters are a JSON object");
        }

        try
        {
            var named = new QueryParameters(parameters);
            var values = quantity.Split(',', StringSplitOptions.TrimEntries).SelectMany(Expand).Select(one => answer(named, one)).ToList();
            return ([.. values.SelectMany(value => value)], values.Count > 1 || values.Exists(value => value.Length != 1) || HasList(parameters));
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException or ArithmeticException or KeyNotFoundException or InvalidOperationException)
        {
            throw new QueryException(failure.Message.Split('\n')[0]);
        }
    }

    private static bool HasList(JsonElement parameters) =>
        parameters.TryGetProperty("fpr", out var rates) && rates.ValueKind == JsonValueKind.Array;

    private static IEnumerable<string> Expand(string quantity)
    {
        var range = Range().Match(quantity);
        if (!range.Success)
        {
            return [quantity];
        }

        int from = int.Parse(range.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture), to = int.Parse(range.Groups[3].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        return to < from || to - from > 10_000
            ? throw new QueryException($"'{quantity}' is no range")
            : Enumerable.Range(from, to - from + 1).Select(at => $"{range.Groups[1].Value}[{at}]");
    }

    [GeneratedRegex(@"^(\w+)\[(\d{1,6})\.\.(\d{1,6})\]$")]
    private static partial Regex Range();
}
