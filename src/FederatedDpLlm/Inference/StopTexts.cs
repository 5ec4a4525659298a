using System.Text;

namespace FederatedDpLlm.Inference;

/// <summary>
/// Ends an answer at the stop text that is whole first, whatever pieces it comes in: text that may be the beginning of a stop text is held back until it is known.
/// Reads released text only. One answer, one instance.
/// </summary>
public sealed class StopTexts(IReadOnlyList<string> stops)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop text came; nothing after it is part of the answer.</summary>
    public bool Found { get; private set; }

    /// <returns>What may be shown now; empty where all of it is held back.</returns>
    public string Push(string piece)
    {
        if (Found || stops.Count == 0)
        {
            return Found ? string.Empty : piece;
        }

        var text = _held.Append(piece).ToString();
        var found = stops.Select(stop => (At: text.IndexOf(stop, StringComparison.Ordinal), stop.Length)).Where(stop => stop.At >= 0).ToList();
        if (found.Count > 0)
        {
            Found = true;
            _held.Clear();
            return text[..found.MinBy(stop => (stop.At + stop.Length, stop.At)).At];
        }

        var keep = stops.Max(stop => LongestPrefixAtEnd(text, stop));
        _held.Remove(0, text.Length - keep);
        return text[..^keep];
    }

    /// <summary>What was held back and turned out to be no stop text; asked once, at the end.</summary>
    public string Rest()
    {
        var rest = _held.ToString();
        _held.Clear();
        return rest;
    }

    private static int LongestPrefixAtEnd(string text, string stop)
    {
        for (var length = Math.Min(stop.Length - 1, text.Length); length > 0; length--)
        {
            if (text.EndsWith(stop[..length], StringComparison.Ordinal))
            {
                return length;
            }
        }

        return 0;
    }
}
