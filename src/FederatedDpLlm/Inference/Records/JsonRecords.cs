using System.Text.Json;

namespace FederatedDpLlm.Inference.Records;

/// <summary>Records from JSON lines: <c>{"patientId", "text", "date", "codes"}</c>, or FHIR resources, told apart by <c>resourceType</c>.</summary>
internal static class JsonRecords
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    public static void Load(string path, FhirPatients fhir, RecordTally tally)
    {
        var file = Path.GetFileName(path);
        using var stream = File.OpenRead(path);
        foreach (var (number, line, length) in BoundedLines.Read(stream, tally.Limits.MaxRecordBytes))
        {
            if (line is null)
            {
                tally.Skip(file, number, $"the line is longer than {tally.Limits.MaxRecordBytes} bytes", tally.Limits.MaxRecordBytes);
            }
            else if (!line.Value.Span.Trim(" \t"u8).IsEmpty)
            {
                Take(line.Value, fhir, tally, (fault) => tally.Skip(file, number, fault, length));
            }
        }
    }

    private static void Take(ReadOnlyMemory<byte> line, FhirPatients fhir, RecordTally tally, Action<string> skip)
    {
        try
        {
            using var document = JsonDocument.Parse(line, Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                skip("not a JSON object");
            }
            else if (root.TryGetProperty("resourceType", out _))
            {
                fhir.Take(line.Span, tally, skip);
            }
            else if (TryRead(root, out var record, out var fault))
            {
                tally.Use(line.Length);
                tally.Add(record);
            }
            else
            {
                skip(fault);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string of the document is no valid UTF-8 or UTF-16.
            skip("not valid JSON");
        }
    }

    private static bool TryRead(
        JsonElement root,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PatientRecord? record,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? fault)
    {
        record = null;
        if (!TryText(root, "patientId", out var patient) || !TryText(root, "text", out var text) || !TryText(root, "date", out var date))
        {
            fault = "patientId is a string or a whole number; text and date are strings";
            return false;
        }

        var codes = new List<string>();
        if (root.TryGetProperty("codes", out var array) && array.ValueKind != JsonValueKind.Null)
        {
            if (array.ValueKind != JsonValueKind.Array || array.EnumerateArray().Any(code => code.ValueKind != JsonValueKind.String))
            {
                fault = "codes is an array of strings";
                return false;
            }

            codes.AddRange(array.EnumerateArray().Select(code => code.GetString()!));
        }

        return RecordFields.TryMake(patient, text, date, codes, out record, out fault);
    }

    // A hospital's identifiers are often written as numbers.
    private static bool TryText(JsonElement root, string name, out string? value)
    {
        value = null;
        if (!root.TryGetProperty(name, out var property) || property.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        value = property.ValueKind switch
        {
            JsonValueKind.String => property.GetString(),
            // Whole numbers only, which JSON writes in one way: 17 and 17.0 would be two patients.
            JsonValueKind.Number when name == "patientId" && property.GetRawText().All(char.IsAsciiDigit) => property.GetRawText(),
            _ => null,
        };
        return value is not null;
    }
}
