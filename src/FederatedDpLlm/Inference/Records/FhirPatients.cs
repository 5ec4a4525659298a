using System.Text;
using System.Text.Json;
using Hl7.Fhir.Model;
using Hl7.Fhir.Serialization;

namespace FederatedDpLlm.Inference.Records;

/// <summary>
/// Gathers the resources of an HL7 FHIR R4 bulk export (one resource a line: https://hl7.org/fhir/uv/bulkdata/) by patient and tells each patient's history as text.
/// Names, addresses and contacts of patients are left out: no answer needs them.
/// </summary>
internal sealed class FhirPatients
{
    // "NoOverflow": trivial faults pass, but whatever could not be understood makes the resource malformed instead of being dropped silently.
    private readonly BaseFhirJsonDeserializer _deserializer = new(ModelInfo.ModelInspector, new DeserializerSettings().UsingMode(DeserializationMode.NoOverflow));
    private readonly Dictionary<string, List<FhirEntry>> _entries = new(StringComparer.Ordinal);

    public void Take(ReadOnlySpan<byte> line, RecordTally tally, Action<string> skip)
    {
        var reader = new Utf8JsonReader(line);
        if (!_deserializer.TryDeserializeResource(ref reader, out var resource, out _) || resource is null || !ModelInfo.IsKnownResource(resource.TypeName))
        {
            skip("not a valid FHIR R4 resource");
            return;
        }

        if (resource is not (Patient or Condition or Observation or MedicationRequest or DocumentReference))
        {
            tally.Ignore();
            return;
        }

        var patient = RecordFields.NormalizeId(FhirText.PatientOf(resource));
        if (RecordFields.FaultOfId(patient) is { } fault)
        {
            skip($"a {resource.TypeName} that names no patient: {fault}");
        }
        else if (FhirText.Of(resource) is not { } entry)
        {
            skip($"a {resource.TypeName} with nothing to read");
        }
        else
        {
            tally.Use(line.Length);
            EntriesOf(patient!).Add(entry);
        }
    }

    /// <summary>One record per patient, oldest entries first, and one more per document. A history is dated by its earliest entry, so that later ones leave the patient's block as it was.</summary>
    public void AddTo(RecordTally tally)
    {
        foreach (var (patient, entries) in _entries)
        {
            var history = entries.Where(entry => !entry.IsDocument).OrderBy(entry => entry.Date ?? DateOnly.MinValue).ThenBy(entry => entry.Text, StringComparer.Ordinal).ToList();
            if (history.Count > 0)
            {
                tally.Add(new PatientRecord(patient, Tell(history, tally.Limits.MaxRecordBytes), history.Min(entry => entry.Date), CodesOf(history)));
            }

            foreach (var document in entries.Where(entry => entry.IsDocument))
            {
                tally.Add(new PatientRecord(patient, document.Text, document.Date, document.Codes));
            }
        }
    }

    private List<FhirEntry> EntriesOf(string patient) =>
        _entries.TryGetValue(patient, out var entries) ? entries : _entries[patient] = [];

    // The oldest entries go first where a patient's history is longer than a record may be.
    private static string Tell(List<FhirEntry> history, int maxCharacters)
    {
        var length = history.Sum(entry => entry.Text.Length + 1);
        var text = new StringBuilder();
        foreach (var entry in history)
        {
            if (length > maxCharacters)
            {
                length -= entry.Text.Length + 1;
                continue;
            }

            text.Append(text.Length == 0 ? "" : "\n").Append(entry.Text);
        }

        return text.ToString();
    }

    private static List<string> CodesOf(List<FhirEntry> history) => [.. history.SelectMany(entry => entry.Codes).Distinct(StringComparer.Ordinal).Take(64)];
}
