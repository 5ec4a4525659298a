using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// Whose uploads the sum is made of, and the Merkle root over their signed headers. Every client signs what it was told; a client unmasks only when
/// enough of its neighbours signed the same, so a coordinator that tells two stories finishes neither.
/// </summary>
public sealed class SurvivorAnnouncement
{
    private readonly int[] _survivors;
    private readonly byte[] _root;

    internal SurvivorAnnouncement(int[] survivors, byte[] root)
    {
        _survivors = survivors;
        _root = root;
    }

    /// <summary>The clients whose uploads are in the sum, ascending.</summary>
    public IReadOnlyList<int> Survivors => _survivors;

    /// <summary>The Merkle root over the survivors' upload headers, in their order.</summary>
    public ReadOnlyMemory<byte> UploadRoot => _root;

    /// <summary>Reads what <see cref="Encode"/> wrote; null where it is none: out of order, doubled, off the roster.</summary>
    public static SurvivorAnnouncement? TryDecode(ReadOnlySpan<byte> encoded, RoundParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var reader = new WireReader(encoded);
        var context = reader.Bytes(32);
        var root = reader.Bytes(MerkleTree.HashSizeBytes).ToArray();
        var survivors = new int[reader.Count(parameters.Clients)];
        for (var i = 0; i < survivors.Length; i++)
        {
            survivors[i] = reader.Count(parameters.Clients - 1);
            if (i > 0 && survivors[i] <= survivors[i - 1])
            {
                reader.Break();
            }
        }

        return reader.IsComplete && context.SequenceEqual(parameters.Digest) ? new SurvivorAnnouncement(survivors, root) : null;
    }

    /// <summary>The canonical encoding.</summary>
    public byte[] Encode(RoundParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var writer = new WireWriter();
        writer.Bytes(parameters.Digest);
        writer.Bytes(_root);
        writer.Int32(_survivors.Length);
        foreach (var survivor in _survivors)
        {
            writer.Int32(survivor);
        }

        return writer.ToArray();
    }

    internal byte[] Digest(RoundParameters parameters) => SHA256.HashData(Encode(parameters));

    internal bool Includes(int client) => Array.BinarySearch(_survivors, client) >= 0;

    internal int PlaceOf(int client) => Array.BinarySearch(_survivors, client);
}
