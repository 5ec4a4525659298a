using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Cli.Evaluation;

/// <summary>A dialogue whose right option is known: the last mapped text column names it, the columns before it are the question.</summary>
internal sealed record SectionQuestion(string Text, string Answer)
{
    /// <summary>The questions of a file whose answer is one of <paramref name="choices"/>.</summary>
    /// <exception cref="RecordFileException">The file cannot be used.</exception>
    public static IEnumerable<SectionQuestion> Load(string path, ColumnMapping mapping, IReadOnlyList<string> choices) =>
        HospitalRecords.Load(path, mapping).Records.Select(record => Of(record, mapping)).Where(question => choices.Contains(question.Answer));

    /// <summary>What a record of the same columns asks and answers.</summary>
    public static SectionQuestion Of(PatientRecord record, ColumnMapping mapping)
    {
        var label = record.Text.LastIndexOf($"\n{mapping.Text[^1]}: ", StringComparison.Ordinal);
        return label < 0 ? new(record.Text, string.Empty) : new(record.Text[..label], record.Text[(label + mapping.Text[^1].Length + 3)..].Trim());
    }
}
