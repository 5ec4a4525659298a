using System.Diagnostics.CodeAnalysis;
using CsvHelper;

namespace FederatedDpLlm.Inference.Records;

/// <summary>Records from comma-separated values (RFC 4180: quoted fields may run over lines; <c>;</c>, tab and <c>|</c> are recognised too) with a header line.</summary>
internal static class CsvRecords
{
    private static readonly char[] CodeSeparators = [';', '|', ','];

    public static void Load(string path, ColumnMapping mapping, RecordTally tally)
    {
        var file = Path.GetFileName(path);
        var broken = new HashSet<long>();
        using var reader = CsvReader.FromFile(path, OptionsFor(tally.Limits, broken));
        try
        {
            var columns = ReadHeader(reader, mapping, file);
            while (reader.Read())
            {
                Take(reader, columns, broken.Remove(reader.LineNumber), mapping, file, tally);
            }
        }
        catch (CsvFormatException error)
        {
            // Where the record would have ended is unknown, so nothing after it can be read.
            throw new RecordFileException($"{file}, line {error.LineNumber}: a record is longer than {tally.Limits.MaxRecordBytes} bytes; is a quote left open?");
        }
    }

    private static CsvReaderOptions OptionsFor(RecordLimits limits, HashSet<long> broken) => new()
    {
        TrackLineNumbers = true,
        MaxRecordSize = limits.MaxRecordBytes,
        IncludeValuesInExceptions = false,
        OnMalformedRecord = record =>
        {
            // A quote in the middle of an unquoted field (6" tall) is text and loses nothing.
            if (record.Reason != CsvMalformedReason.StrayQuote)
            {
                broken.Add(record.LineNumber);
            }
        },
    };

    private static Dictionary<string, int> ReadHeader(CsvReader reader, ColumnMapping mapping, string file)
    {
        var columns = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var (index, name) in reader.Headers.Index())
        {
            if (!columns.TryAdd(name.Trim(), index))
            {
                throw new RecordFileException($"{file} has two columns '{name.Trim()}'.");
            }
        }

        string?[] wanted = [mapping.PatientId, .. mapping.Text, mapping.Date, mapping.Codes];
        var missing = wanted.OfType<string>().Where(column => !columns.ContainsKey(column)).ToList();
        return missing.Count == 0 ? columns : throw new RecordFileException($"{file} has no column {string.Join(", ", missing)}; its columns are {string.Join(", ", columns.Keys.Take(40))}. Say which of them hold what with a map ('--map', or 'records.map' of a node): patientId=COLUMN,text=COLUMN+COLUMN.");
    }

    private static void Take(CsvReader reader, Dictionary<string, int> columns, bool broken, ColumnMapping mapping, string file, RecordTally tally)
    {
        var size = reader.RawRecord.Length;
        var fault = broken ? "a quote is left open, or text follows a closing one"
            : reader.FieldCount != columns.Count ? $"{reader.FieldCount} fields where the header has {columns.Count}"
            : null;
        if (fault is null && TryRead(column => reader.GetString(columns[column]), mapping, out var record, out fault))
        {
            tally.Use(size);
            tally.Add(record);
        }
        else
        {
            tally.Skip(file, reader.LineNumber, fault, size);
        }
    }

    private static bool TryRead(Func<string, string> field, ColumnMapping mapping, [NotNullWhen(true)] out PatientRecord? record, [NotNullWhen(false)] out string? fault)
    {
        var codes = mapping.Codes is null ? [] : field(mapping.Codes).Split(CodeSeparators, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return RecordFields.TryMake(field(mapping.PatientId), Join(mapping.Text, field), mapping.Date is null ? null : field(mapping.Date), codes, out record, out fault);
    }

    private static string Join(IReadOnlyList<string> columns, Func<string, string> value)
    {
        if (columns.Count == 1)
        {
            return value(columns[0]);
        }

        var lines = columns.Select(column => (Column: column, Value: value(column).Trim())).Where(part => part.Value.Length > 0);
        return string.Join('\n', lines.Select(part => $"{part.Column}: {part.Value}"));
    }
}
