using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.KvCache;

/// <summary>The cached keys and values of one token sequence: whole blocks, the shared ones copied when written. One thread at a time.</summary>
internal sealed unsafe class KvSequence(KvBlockPool pool, ModelAdapter? adapter = null) : IDisposable
{
    private readonly List<KvBlock> _blocks = [];

    /// <summary>Positions written so far.</summary>
    public int Length { get; private set; }

    public KvLayout Layout => pool.Layout;

    /// <summary>What its tokens are read with, from the first to the last; null for the base weights alone.</summary>
    public ModelAdapter? Adapter => adapter;

    /// <summary>The blocks it holds, in order.</summary>
    public IReadOnlyList<KvBlock> Blocks => _blocks;

    /// <summary>A sequence that begins with whole blocks of others and shares their memory.</summary>
    public static KvSequence Of(KvBlockPool pool, ModelAdapter? adapter, IEnumerable<KvBlock> blocks)
    {
        var sequence = new KvSequence(pool, adapter);
        foreach (var block in blocks)
        {
            pool.Share(block);
            sequence._blocks.Add(block);
        }

        sequence.Length = sequence._blocks.Count * KvLayout.BlockPositions;
        return sequence;
    }

    /// <summary>A sequence that begins with this one's positions and shares their memory.</summary>
    public KvSequence Fork()
    {
        var fork = new KvSequence(pool, adapter) { Length = Length };
        foreach (var block in _blocks)
        {
            pool.Share(block);
            fork._blocks.Add(block);
        }

        return fork;
    }

    /// <summary>Makes room for <paramref name="count"/> further positions that the caller is about to write, and counts them.</summary>
    public void Extend(int count)
    {
        if (Length % KvLayout.BlockPositions != 0 && pool.IsShared(_blocks[^1]))
        {
            var own = pool.Lend();
            _blocks[^1].Floats.Span.CopyTo(own.Floats.Span);
            pool.Return(_blocks[^1]);
            _blocks[^1] = own;
        }

        Length += count;
        while (_blocks.Count * KvLayout.BlockPositions < Length)
        {
            _blocks.Add(pool.Lend());
        }
    }

    /// <summary>The memory of the block that holds positions 32 * index and on.</summary>
    public float* Block(int index) => _blocks[index].Floats.Pointer;

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.ForEach(pool.Return);
        _blocks.Clear();
        Length = 0;
    }
}
