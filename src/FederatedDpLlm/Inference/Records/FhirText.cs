using System.Globalization;
using System.Text;
using Hl7.Fhir.Model;

namespace FederatedDpLlm.Inference.Records;

/// <summary>The readable form of the five resource types that voters read.</summary>
internal static class FhirText
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The logical id of the patient that a resource is about; null where it names none.</summary>
    public static string? PatientOf(Resource resource) => resource switch
    {
        Patient patient => patient.Id,
        Condition condition => IdOf(condition.Subject),
        Observation observation => IdOf(observation.Subject),
        MedicationRequest request => IdOf(request.Subject),
        DocumentReference document => IdOf(document.Subject),
        _ => null,
    };

    /// <summary>The resource as text; null where it says nothing.</summary>
    public static FhirEntry? Of(Resource resource) => resource switch
    {
        Patient patient => OfPatient(patient),
        Condition condition => OfCondition(condition),
        Observation observation => OfObservation(observation),
        MedicationRequest request => OfMedication(request),
        DocumentReference document => OfDocument(document),
        _ => null,
    };

    // "Patient/17", "https://ehr.example/fhir/Patient/17", "Patient/17/_history/2" (https://hl7.org/fhir/R4/references.html#literal).
    private static string? IdOf(ResourceReference? reference)
    {
        var parts = reference?.Reference?.Split('/') ?? [];
        var at = Array.LastIndexOf(parts, "Patient");
        if (at >= 0 && at + 1 < parts.Length)
        {
            return parts[at + 1];
        }

        const string uuid = "urn:uuid:";
        return reference?.Reference is { } urn && urn.StartsWith(uuid, StringComparison.Ordinal) ? urn[uuid.Length..] : null;
    }

    private static FhirEntry OfPatient(Patient patient)
    {
        string?[] parts = [patient.Gender?.ToString().ToLowerInvariant(), patient.BirthDate is { Length: >= 4 } born ? $"born {born[..4]}" : null, patient.Deceased is null or FhirBoolean { Value: not true } ? null : "deceased"];
        return new FhirEntry("Patient: " + Sentence(", ", parts, "no details"), null, []);
    }

    private static FhirEntry? OfCondition(Condition condition)
    {
        var name = NameOf(condition.Code);
        var onset = condition.Onset is FhirDateTime started ? started.Value : null;
        var date = DateOf(onset ?? condition.RecordedDate);
        string?[] parts = [name, NameOf(condition.ClinicalStatus), NotesOf(condition.Note)];
        return name is null ? null : new FhirEntry($"Condition{On(date)}: {Sentence(", ", parts)}", date, CodesOf(condition.Code));
    }

    private static FhirEntry? OfObservation(Observation observation)
    {
        var name = NameOf(observation.Code);
        var components = observation.Component.Select(component => Sentence(" ", [NameOf(component.Code), ValueOf(component.Value)]));
        var value = ValueOf(observation.Value) ?? Sentence(", ", [.. components, NotesOf(observation.Note)]);
        var date = DateOf((observation.Effective as FhirDateTime)?.Value ?? (observation.Effective as Period)?.Start);
        return name is null || value.Length == 0 ? null : new FhirEntry($"Observation{On(date)}: {name}: {value}", date, CodesOf(observation.Code));
    }

    private static FhirEntry? OfMedication(MedicationRequest request)
    {
        var concept = request.Medication as CodeableConcept;
        var name = NameOf(concept) ?? (request.Medication as ResourceReference)?.Display;
        var date = DateOf(request.AuthoredOn);
        string?[] parts = [name, Sentence("; ", [.. request.DosageInstruction.Select(dosage => dosage.Text)]), request.Status?.ToString().ToLowerInvariant()];
        return name is null ? null : new FhirEntry($"Medication{On(date)}: {Sentence(", ", parts)}", date, CodesOf(concept));
    }

    private static FhirEntry? OfDocument(DocumentReference document)
    {
        var texts = document.Content.Select(content => TextOf(content.Attachment)).OfType<string>();
        var text = string.Join("\n\n", texts);
        var date = document.Date is { } written ? DateOnly.FromDateTime(written.UtcDateTime) : (DateOnly?)null;
        return text.Length == 0 ? null : new FhirEntry($"{NameOf(document.Type) ?? "Document"}{On(date)}:\n{text}", date, CodesOf(document.Type), IsDocument: true);
    }

    // Only text that lies in the resource itself: following a link to somewhere else would leave the hospital's control.
    private static string? TextOf(Attachment? attachment)
    {
        if (attachment?.Data is not { Length: > 0 } data || attachment.ContentType?.StartsWith("text/", StringComparison.OrdinalIgnoreCase) != true)
        {
            return null;
        }

        try
        {
            var text = StrictUtf8.GetString(data).Trim();
            return text.Length == 0 || text.Contains('\0', StringComparison.Ordinal) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string? NameOf(CodeableConcept? concept) =>
        concept?.Text ?? concept?.Coding.Select(coding => coding.Display ?? coding.Code).FirstOrDefault(name => !string.IsNullOrWhiteSpace(name));

    private static List<string> CodesOf(CodeableConcept? concept) =>
        [.. (concept?.Coding ?? []).Select(coding => coding.Code).OfType<string>().Where(code => code.Length is > 0 and <= 64).Take(8)];

    private static string? ValueOf(DataType? value) => value switch
    {
        Quantity quantity => Sentence(" ", [quantity.Value?.ToString(CultureInfo.InvariantCulture), quantity.Unit ?? quantity.Code]),
        CodeableConcept concept => NameOf(concept),
        FhirString text => text.Value,
        FhirBoolean yes => yes.Value == true ? "yes" : "no",
        Integer number => number.Value?.ToString(CultureInfo.InvariantCulture),
        FhirDateTime date => date.Value,
        _ => null,
    };

    private static string? NotesOf(List<Annotation> notes) => notes.Count == 0 ? null : Sentence(" ", [.. notes.Select(note => note.Text)]);

    private static DateOnly? DateOf(string? dateTime) => dateTime is { Length: > 0 } ? RecordFields.ParseDate(dateTime.Length > 10 ? dateTime[..10] : dateTime) : null;

    private static string On(DateOnly? date) => date is { } day ? day.ToString(" yyyy-MM-dd", CultureInfo.InvariantCulture) : "";

    private static string Sentence(string separator, string?[] parts, string otherwise = "")
    {
        var said = string.Join(separator, parts.Where(part => !string.IsNullOrWhiteSpace(part)));
        return said.Length == 0 ? otherwise : said;
    }
}
