using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.KvCache;

/// <summary>
/// Blocks of prompts that were computed before, found again by what they hold. A block's name is the hash of all tokens up to its end, of the adapter they were
/// read with and of the tenant that asked, so that no tenant's prompt is ever faster for what another one asked (cf. Gu et al. 2025, arXiv:2502.07776: prompt
/// caches audited by their timing). The blocks that were unused for the longest time go first. Safe for concurrent use.
/// </summary>
/// <remarks>A tenant without a name finds nothing and keeps nothing.</remarks>
/// <param name="pool">Where the blocks come from and go to.</param>
/// <param name="mostBlocks">Most that is kept; 0 keeps nothing.</param>
internal sealed class PrefixCache(KvBlockPool pool, int mostBlocks) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Name, KvBlock Block)>> _blocks = new(StringComparer.Ordinal);

    // The longest unused one first; of one prompt the end before the beginning, without which it cannot be found.
    private readonly LinkedList<(string Name, KvBlock Block)> _byUse = new();
    private bool _disposed;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _blocks.Count;
            }
        }
    }

    /// <summary>A sequence that begins with what is known of the tokens, in whole blocks; at least one token is left to compute.</summary>
    public KvSequence Begin(string tenant, ModelAdapter? adapter, ReadOnlySpan<int> tokens)
    {
        var names = Names(tenant, adapter, tokens[..^1]);
        lock (_gate)
        {
            var found = names.Select(name => _blocks.GetValueOrDefault(name)).TakeWhile(node => node is not null).ToList();
            for (var block = found.Count - 1; block >= 0; block--)
            {
                Touch(found[block]!);
            }

            return KvSequence.Of(pool, adapter, found.Select(node => node!.Value.Block));
        }
    }

    /// <summary>Keeps the whole blocks of a sequence that holds the tokens.</summary>
    public void Keep(string tenant, ReadOnlySpan<int> tokens, KvSequence sequence)
    {
        var names = Names(tenant, sequence.Adapter, tokens);
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            for (var block = names.Count - 1; block >= 0; block--)
            {
                if (_blocks.TryGetValue(names[block], out var known))
                {
                    Touch(known);
                    continue;
                }

                pool.Share(sequence.Blocks[block]);
                _blocks.Add(names[block], _byUse.AddLast((names[block], sequence.Blocks[block])));
            }

            Evict(mostBlocks);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            Evict(0);
        }
    }

    private void Evict(int most)
    {
        while (_blocks.Count > most && _byUse.First is { Value: var (name, block) })
        {
            _byUse.RemoveFirst();
            _blocks.Remove(name);
            pool.Return(block);
        }
    }

    private void Touch(LinkedListNode<(string, KvBlock)> node)
    {
        _byUse.Remove(node);
        _byUse.AddLast(node);
    }

    // The chain begins with the tenant's and the adapter's hash; SHA-256 gives no two prompts one name.
    private static List<string> Names(string tenant, ModelAdapter? adapter, ReadOnlySpan<int> tokens)
    {
        var names = new List<string>();
        if (tenant.Length == 0)
        {
            return names;
        }

        Span<byte> chained = stackalloc byte[SHA256.HashSizeInBytes + (KvLayout.BlockPositions * sizeof(int))];
        SHA256.HashData(Encoding.UTF8.GetBytes(tenant), chained[..SHA256.HashSizeInBytes]);
        BinaryPrimitives.WriteInt64LittleEndian(chained[SHA256.HashSizeInBytes..], adapter?.Number ?? 0);
        SHA256.HashData(chained[..(SHA256.HashSizeInBytes + sizeof(long))]).CopyTo(chained);
        for (var start = 0; start + KvLayout.BlockPositions <= tokens.Length; start += KvLayout.BlockPositions)
        {
            MemoryMarshal.AsBytes(tokens.Slice(start, KvLayout.BlockPositions)).CopyTo(chained[SHA256.HashSizeInBytes..]);
            var hash = SHA256.HashData(chained);
            hash.CopyTo(chained);
            names.Add(Convert.ToHexString(hash));
        }

        return names;
    }
}
