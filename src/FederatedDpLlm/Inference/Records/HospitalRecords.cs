namespace FederatedDpLlm.Inference.Records;

/// <summary>What a hospital's files hold, and what of them could not be used.</summary>
/// <param name="Records">In the files' order.</param>
/// <param name="Skipped">The first malformed records, for a report.</param>
/// <param name="SkippedCount">All malformed records.</param>
/// <param name="IgnoredCount">FHIR resources of types that voters do not read.</param>
public sealed record HospitalRecords(IReadOnlyList<PatientRecord> Records, IReadOnlyList<SkippedRecord> Skipped, long SkippedCount, long IgnoredCount)
{
    /// <summary>
    /// Loads a file (<c>.csv</c>: comma-separated values; <c>.jsonl</c>, <c>.ndjson</c>, <c>.json</c>: JSON lines or FHIR R4 bulk export) or a folder of bulk-export files,
    /// whose resources belong together.
    /// </summary>
    /// <param name="path">File or folder.</param>
    /// <param name="mapping">The columns of a CSV file; <see cref="ColumnMapping.Default"/> where null.</param>
    /// <param name="limits">Defaults where null.</param>
    /// <exception cref="RecordFileException">Missing, unreadable, too large, of an unknown format, or mostly broken.</exception>
    public static HospitalRecords Load(string path, ColumnMapping? mapping = null, RecordLimits? limits = null)
    {
        var tally = new RecordTally(limits ?? new RecordLimits());
        var fhir = new FhirPatients();
        try
        {
            foreach (var file in FilesOf(path))
            {
                LoadFile(file, mapping, tally, fhir);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RecordFileException($"'{path}' cannot be read: {error.Message}");
        }

        fhir.AddTo(tally);
        tally.RefuseIfMostlyBroken(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)));
        return new HospitalRecords(tally.Records, tally.Skipped, tally.SkippedCount, tally.IgnoredCount);
    }

    private static List<string> FilesOf(string path)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        if (!Directory.Exists(path))
        {
            throw new RecordFileException($"There is no file or folder '{path}'.");
        }

        var files = Directory.EnumerateFiles(path).Where(file => IsJsonLines(file)).Order(StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw new RecordFileException($"The folder '{path}' holds no .ndjson or .jsonl file.");
    }

    private static void LoadFile(string file, ColumnMapping? mapping, RecordTally tally, FhirPatients fhir)
    {
        var name = Path.GetFileName(file);
        if (new FileInfo(file).Length > tally.Limits.MaxFileBytes)
        {
            throw new RecordFileException($"{name} is larger than {tally.Limits.MaxFileBytes} bytes.");
        }

        if (IsJsonLines(file) && mapping is not null)
        {
            throw new RecordFileException($"{name} is no CSV file, so its columns cannot be mapped.");
        }

        if (IsJsonLines(file))
        {
            JsonRecords.Load(file, fhir, tally);
        }
        else if (Path.GetExtension(file).Equals(".csv", StringComparison.OrdinalIgnoreCase))
        {
            CsvRecords.Load(file, mapping ?? ColumnMapping.Default, tally);
        }
        else
        {
            throw new RecordFileException($"{name} is of no known format: .csv, .jsonl or .ndjson.");
        }
    }

    private static bool IsJsonLines(string file) => Path.GetExtension(file).ToLowerInvariant() is ".jsonl" or ".ndjson" or ".json";
}
