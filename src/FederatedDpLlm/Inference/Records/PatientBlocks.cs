using System.Collections.Frozen;
using System.Globalization;
using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Inference.Records;

// References
//   M. Lecuyer et al., "Privacy Accounting and Quality Control in the Sage Differentially Private ML Platform", SOSP 2019, section 3: block composition. A question is charged
//   to the blocks that it reads; a block whose budget is spent is read no more, and new blocks keep the service going.

/// <summary>
/// A hospital's patients by the block whose data account bounds their loss. A patient belongs to the window of the earliest dated record, so later records leave the block as
/// it was. Two worlds differ in a patient of one block; that a window has patients at all is public.
/// </summary>
public sealed class PatientBlocks
{
    /// <summary>The block of patients none of whose records has a date.</summary>
    public const string Undated = "undated";

    private const int MostBlocks = 256;
    private readonly FrozenDictionary<string, string> _blockOf;

    /// <param name="records">All records of the hospital.</param>
    /// <param name="window">How long a block gathers.</param>
    /// <param name="whole">The name of the one block without windows.</param>
    /// <exception cref="ConfigurationException">More than 256 blocks.</exception>
    public PatientBlocks(IReadOnlyList<PatientRecord> records, AdmissionWindow window, string whole)
    {
        _blockOf = records.GroupBy(record => record.PatientId, StringComparer.Ordinal)
            .ToFrozenDictionary(patient => patient.Key, patient => window == AdmissionWindow.None ? whole : NameOf(patient.Min(record => record.Date), window), StringComparer.Ordinal);
        Names = window == AdmissionWindow.None ? [whole] : [.. _blockOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (Names.Count > MostBlocks)
        {
            throw new ConfigurationException($"The records make {Names.Count} blocks; at most {MostBlocks} are kept apart. Choose a longer 'admission_windows'.");
        }
    }

    /// <summary>Every block, in order of its name.</summary>
    public IReadOnlyList<string> Names { get; }

    public string Of(string patientId) => _blockOf[patientId];

    private static string NameOf(DateOnly? earliest, AdmissionWindow window) => (earliest, window) switch
    {
        (null, _) => Undated,
        ({ } date, AdmissionWindow.Yearly) => date.ToString("yyyy", CultureInfo.InvariantCulture),
        ({ } date, AdmissionWindow.Quarterly) => string.Create(CultureInfo.InvariantCulture, $"{date.Year:0000}-Q{((date.Month - 1) / 3) + 1}"),
        ({ } date, _) => date.ToString("yyyy-MM", CultureInfo.InvariantCulture),
    };
}
