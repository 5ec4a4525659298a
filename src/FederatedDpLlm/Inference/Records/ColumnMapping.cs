namespace FederatedDpLlm.Inference.Records;

/// <summary>
/// Which columns of a CSV file make a record, as <c>patientId=ID,text=dialogue+section_header,date=WRITTEN,codes=ICD</c>. Columns joined by <c>+</c> follow one
/// another in that order, each on a line of its own that begins with its column's name.
/// </summary>
public sealed record ColumnMapping
{
    private static readonly string[] Targets = ["patientId", "text", "date", "codes"];
    private readonly Dictionary<string, string[]> _columns;

    private ColumnMapping(Dictionary<string, string[]> columns) => _columns = columns;

    /// <summary>Columns named as in JSON lines.</summary>
    public static ColumnMapping Default { get; } = Parse("patientId=patientId,text=text");

    public string PatientId => _columns["patientId"][0];

    /// <summary>At least one.</summary>
    public IReadOnlyList<string> Text => _columns["text"];

    public string? Date => _columns.GetValueOrDefault("date")?[0];

    public string? Codes => _columns.GetValueOrDefault("codes")?[0];

    /// <exception cref="FormatException">Not of the form above; the message says where.</exception>
    public static ColumnMapping Parse(string mapping)
    {
        var columns = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var part in mapping.Split(',', StringSplitOptions.TrimEntries))
        {
            var (target, names) = ParsePart(part);
            if (!columns.TryAdd(target, names))
            {
                throw new FormatException($"'{target}' is mapped twice.");
            }
        }

        foreach (var needed in Targets.Take(2).Where(target => !columns.ContainsKey(target)))
        {
            throw new FormatException($"The mapping names no column for '{needed}'. Write, for example, patientId=ID,text=notes.");
        }

        return new ColumnMapping(columns);
    }

    private static (string Target, string[] Columns) ParsePart(string part)
    {
        var at = part.IndexOf('=', StringComparison.Ordinal);
        var target = at < 0 ? null : Array.Find(Targets, target => target.Equals(part[..at].Trim(), StringComparison.OrdinalIgnoreCase));
        if (target is null)
        {
            throw new FormatException($"'{part}' does not map a column to one of {string.Join(", ", Targets)}.");
        }

        var columns = part[(at + 1)..].Split('+', StringSplitOptions.TrimEntries);
        if (columns.Any(column => column.Length == 0) || (target != "text" && columns.Length > 1))
        {
            throw new FormatException($"'{part}': name one column, or for text several joined by '+'.");
        }

        return (target, columns);
    }
}
