namespace FederatedDpLlm.Inference.Voters;

/// <summary>A long record cut down to its lines that match the question, in their order, with its first line (who it is about) and its last (its labels).</summary>
internal static class RecordExcerpt
{
    /// <summary>Longer records are cut; the engine cuts to its own context after that.</summary>
    public const int MaxCharacters = 2000;

    private const string Gap = "...";

    public static string Of(string record, IReadOnlyList<string> query)
    {
        if (record.Length <= MaxCharacters)
        {
            return record;
        }

        var lines = record.Split('\n').SelectMany(Pieces).ToArray();
        var wanted = query.ToHashSet(StringComparer.Ordinal);
        var kept = new SortedSet<int>();
        var left = MaxCharacters;
        foreach (var line in Order(lines, wanted).TakeWhile(_ => left > 0))
        {
            left -= lines[line].Length + Gap.Length + 2;
            if (left >= 0)
            {
                kept.Add(line);
            }
        }

        return string.Join('\n', kept.Select((line, rank) => rank > 0 && !kept.Contains(line - 1) ? Gap + "\n" + lines[line] : lines[line]));
    }

    // First and last line, then those with the most different words of the question, earlier ones first.
    private static IEnumerable<int> Order(string[] lines, HashSet<string> wanted)
    {
        int[] ends = [0, lines.Length - 1];
        return ends.Concat(Enumerable.Range(0, lines.Length)
            .Select(line => (Line: line, Matches: WordTerms.Of(lines[line]).Where(wanted.Contains).Distinct(StringComparer.Ordinal).Count()))
            .OrderByDescending(pair => pair.Matches).ThenBy(pair => pair.Line).Select(pair => pair.Line)).Distinct();
    }

    // A line longer than half of the room would crowd out all others.
    private static IEnumerable<string> Pieces(string line) =>
        line.Length == 0 ? [line] : line.Chunk(MaxCharacters / 4).Select(piece => new string(piece));
}
