using System.Collections.Concurrent;
using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>
/// A hospital's records, parted into shards by a keyed hash of the patient's id: one patient lies in one shard, and each shard backs one voter. The number of shards
/// is configuration and never follows the data; an empty shard keeps its seat, also where only some blocks of patients may be read.
/// </summary>
public sealed class ShardedRecords
{
    /// <summary>The most shards of one hospital.</summary>
    public const int MostShards = 4096;

    private readonly IReadOnlyList<PatientRecord>[] _parts;
    private readonly PatientBlocks? _blocks;
    private readonly ShardIndex[] _shards;

    // Blocks end one after the other, so few sets of them are ever asked for.
    private readonly ConcurrentDictionary<string, ShardIndex[]> _byBlocks = new(StringComparer.Ordinal);

    /// <param name="records">All records of the hospital.</param>
    /// <param name="key">The node's own, at least 32 bytes; it is not kept.</param>
    /// <param name="shards">At least 1, at most <see cref="MostShards"/>.</param>
    /// <param name="blocks">Which block each patient belongs to; null where all are one.</param>
    /// <exception cref="ArgumentException">The key is short, or the number of shards out of range.</exception>
    public ShardedRecords(IReadOnlyList<PatientRecord> records, ReadOnlySpan<byte> key, int shards, PatientBlocks? blocks = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shards, MostShards);
        var parts = Enumerable.Range(0, shards).Select(_ => new List<PatientRecord>()).ToArray();
        foreach (var record in records)
        {
            parts[PatientHash.BucketOf(record.PatientId, key, shards)].Add(record);
        }

        (_parts, _blocks) = (parts, blocks);
        _shards = [.. parts.Select(part => new ShardIndex(part))];
    }

    /// <summary>Shards, and so voters: s.</summary>
    public int Count => _shards.Length;

    /// <summary>The shards as voters may read them.</summary>
    /// <param name="blocks">The blocks whose accounts pay for it; null for all.</param>
    internal IReadOnlyList<ShardIndex> Shards(IReadOnlyList<string>? blocks) => blocks is null || _blocks is null || blocks.Count == _blocks.Names.Count
        ? _shards
        : _byBlocks.GetOrAdd(string.Join('\n', blocks), _ => [.. _parts.Select(part => new ShardIndex([.. part.Where(record => blocks.Contains(_blocks.Of(record.PatientId)))]))]);
}
