using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace FederatedDpLlm.Inference.Records;

/// <summary>The rules for single fields that all formats share.</summary>
internal static class RecordFields
{
    private const int MaxIdCharacters = 128;
    private const int MaxCodes = 64;
    private const int MaxCodeCharacters = 64;
    private static readonly string[] DateFormats = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss", "yyyyMMdd", "yyyy-MM", "yyyy"];

    /// <summary>Puts a record together, or says what is wrong with it.</summary>
    public static bool TryMake(
        string? patientId, string? text, string? date, IReadOnlyList<string> codes, [NotNullWhen(true)] out PatientRecord? record, [NotNullWhen(false)] out string? fault)
    {
        DateOnly? written = null;
        record = null;
        fault = FaultOfId(patientId = NormalizeId(patientId)) ?? FaultOfText(text) ?? FaultOfCodes(codes);
        if (fault is null && !string.IsNullOrWhiteSpace(date) && (written = ParseDate(date)) is null)
        {
            fault = "the date is not of the form 2026-01-31";
        }

        if (fault is not null)
        {
            return false;
        }

        record = new PatientRecord(patientId!, text!.Trim(), written, codes);
        return true;
    }

    public static DateOnly? ParseDate(string text) =>
        DateTimeOffset.TryParseExact(text.Trim(), DateFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? DateOnly.FromDateTime(date.Date) : null;

    /// <summary>One patient has one id, whichever format it comes in: without blanks around it, and otherwise letter by letter as it is written.</summary>
    public static string? NormalizeId(string? id) => id?.Trim();

    public static string? FaultOfId(string? id) => id switch
    {
        null or "" => "no patient id",
        { Length: > MaxIdCharacters } => $"the patient id is longer than {MaxIdCharacters} characters",
        _ when id.Any(char.IsControl) => "the patient id holds control characters",
        _ when id.EnumerateRunes().Any(rune => rune == Rune.ReplacementChar) => "the patient id is not valid Unicode",
        _ => null,
    };

    // U+FFFD is what a decoder puts where bytes are no UTF-8.
    private static string? FaultOfText(string? text) => text switch
    {
        null => "no text",
        _ when string.IsNullOrWhiteSpace(text) => "the text is empty",
        _ when text.Contains('\uFFFD', StringComparison.Ordinal) => "the text is not valid UTF-8",
        _ when text.Contains('\0', StringComparison.Ordinal) => "the text holds a null character",
        _ => null,
    };

    private static string? FaultOfCodes(IReadOnlyList<string> codes) =>
        codes.Count > MaxCodes || codes.Any(code => code.Length is 0 or > MaxCodeCharacters) ? $"more than {MaxCodes} codes, or one that is empty or longer than {MaxCodeCharacters} characters" : null;
}
