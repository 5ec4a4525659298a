namespace FederatedDpLlm.Inference.Records;

/// <summary>What a loader found so far: records, and how many of them could not be used.</summary>
internal sealed class RecordTally(RecordLimits limits)
{
    private readonly List<PatientRecord> _records = [];
    private readonly List<SkippedRecord> _skipped = [];
    private long _usedBytes;
    private long _skippedBytes;

    public RecordLimits Limits => limits;

    public IReadOnlyList<PatientRecord> Records => _records;

    public IReadOnlyList<SkippedRecord> Skipped => _skipped;

    public long UsedCount { get; private set; }

    public long SkippedCount { get; private set; }

    /// <summary>Entries of a kind that carries nothing for a voter (a FHIR resource of another type).</summary>
    public long IgnoredCount { get; private set; }

    public void Use(long bytes)
    {
        UsedCount++;
        _usedBytes += bytes;
    }

    public void Add(PatientRecord record)
    {
        if (_records.Count == limits.MaxRecords)
        {
            throw new RecordFileException($"More than {limits.MaxRecords} records.");
        }

        _records.Add(record);
    }

    public void Ignore() => IgnoredCount++;

    public void Skip(string file, long line, string reason, long bytes)
    {
        SkippedCount++;
        _skippedBytes += bytes;
        if (_skipped.Count < limits.MaxReported)
        {
            _skipped.Add(new SkippedRecord(file, line, reason));
        }
    }

    /// <summary>Refuses a file of which more than half, by records or by size (an open quote swallows a file as one record), could not be used.</summary>
    /// <exception cref="RecordFileException">Nothing, or less than half, is usable.</exception>
    public void RefuseIfMostlyBroken(string file)
    {
        var first = _skipped.Count == 0 ? "" : $" First: {_skipped[0].File}, line {_skipped[0].Line}: {_skipped[0].Reason}.";
        if (_records.Count == 0)
        {
            throw new RecordFileException($"{file} holds no usable record ({SkippedCount} malformed, {IgnoredCount} of other kinds).{first}");
        }

        if (SkippedCount > UsedCount || _skippedBytes > _usedBytes)
        {
            throw new RecordFileException($"{file} is mostly broken: {SkippedCount} of {SkippedCount + UsedCount} records are malformed.{first}");
        }
    }
}
