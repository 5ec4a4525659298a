using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>Each demo hospital's records: made up by the clinical corpus, or a given file split over the hospitals by a hash of the patient's id.</summary>
internal static class DemoRecords
{
    public const string FileName = "records.jsonl";
    private const int PatientsPerHospital = 200;

    // Far from the seeds that the bundled model was trained and tried on.
    private const ulong FirstHospitalSeed = 7_000;

    // A public split: which demo hospital a patient goes to is no secret, unlike the split into a hospital's shards.
    private static readonly byte[] HospitalSplitKey = SHA256Of("fedllm demo: patients over hospitals");
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>What was split, for a report; null where the records are made up.</returns>
    /// <exception cref="DemoException">The given file cannot be read.</exception>
    public static HospitalRecords? Write(IReadOnlyList<string> hospitalFolders, string? recordsPath, string? map)
    {
        if (recordsPath is null)
        {
            foreach (var (hospital, folder) in hospitalFolders.Index())
            {
                var clinic = new ClinicalCorpus(FirstHospitalSeed + (ulong)hospital);
                Write(folder, Enumerable.Range(0, PatientsPerHospital).Select(number => clinic.Record(number))
                    .Select(record => new PatientRecord(record.PatientId, record.Text, record.Date, record.Codes)));
            }

            return null;
        }

        var loaded = Load(recordsPath, map);
        var parts = loaded.Records.ToLookup(record => HospitalOf(record.PatientId, hospitalFolders.Count));
        if (parts.Count < hospitalFolders.Count)
        {
            throw new DemoException($"The records '{recordsPath}' hold too few patients for {hospitalFolders.Count} hospitals: split over so many, {hospitalFolders.Count - parts.Count} of them would have none. Ask for fewer with --hospitals N.");
        }

        foreach (var (hospital, folder) in hospitalFolders.Index())
        {
            Write(folder, parts[hospital]);
        }

        return loaded;
    }

    /// <summary>The hospital, from 0, that a patient of a split file goes to.</summary>
    public static int HospitalOf(string patientId, int hospitals) => PatientHash.BucketOf(patientId, HospitalSplitKey, hospitals);

    private static HospitalRecords Load(string path, string? map)
    {
        try
        {
            return HospitalRecords.Load(path, map is null ? null : ColumnMapping.Parse(map));
        }
        catch (Exception error) when (error is RecordFileException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new DemoException($"The records '{path}' cannot be used: {error.Message}", error);
        }
    }

    private static void Write(string folder, IEnumerable<PatientRecord> records)
    {
        var lines = new StringBuilder();
        foreach (var record in records)
        {
            lines.Append(JsonSerializer.Serialize(new { record.PatientId, record.Text, record.Date, record.Codes }, Json)).Append('\n');
        }

        OwnerOnlyFile.Write(Path.Combine(folder, FileName), lines.ToString());
    }

    private static byte[] SHA256Of(string text) => System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
