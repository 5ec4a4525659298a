using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>
/// A hospital's records, parted into shards by a keyed hash of the patient's id: one patient lies in one shard, and each shard backs one voter. The number of shards
/// is configuration and never follows the data; an empty shard keeps its seat.
/// </summary>
public sealed class ShardedRecords
{
    private readonly ShardIndex[] _shards;

    /// <param name="records">All records of the hospital.</param>
    /// <param name="key">The node's own, at least 32 bytes; it is not kept.</param>
    /// <param name="shards">At least 1, at most 4,096.</param>
    /// <exception cref="ArgumentException">The key is short, or the number of shards out of range.</exception>
    public ShardedRecords(IReadOnlyList<PatientRecord> records, ReadOnlySpan<byte> key, int shards)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shards, 4096);
        var parts = Enumerable.Range(0, shards).Select(_ => new List<PatientRecord>()).ToArray();
        foreach (var record in records)
        {
            parts[PatientHash.BucketOf(record.PatientId, key, shards)].Add(record);
        }

        _shards = [.. parts.Select(part => new ShardIndex(part))];
    }

    /// <summary>Shards, and so voters: s.</summary>
    public int Count => _shards.Length;

    internal IReadOnlyList<ShardIndex> Shards => _shards;
}
