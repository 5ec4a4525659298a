namespace FederatedDpLlm.Models.KvCache;

/// <summary>Lends blocks and takes them back. Safe for concurrent use; a block that is taken back is not cleared, since only written positions are ever read.</summary>
internal sealed class KvBlockPool(KvLayout layout)
{
    private readonly Stack<KvBlock> _free = new();
    private readonly Lock _gate = new();

    public KvLayout Layout { get; } = layout;

    /// <summary>Blocks that sequences hold now.</summary>
    public int Lent { get; private set; }

    public KvBlock Lend()
    {
        lock (_gate)
        {
            Lent++;
            var block = _free.Count > 0 ? _free.Pop() : new KvBlock(Layout.BlockFloats);
            block.Holders = 1;
            return block;
        }
    }

    public void Share(KvBlock block)
    {
        lock (_gate)
        {
            block.Holders++;
        }
    }

    public bool IsShared(KvBlock block)
    {
        lock (_gate)
        {
            return block.Holders > 1;
        }
    }

    public void Return(KvBlock block)
    {
        lock (_gate)
        {
            if (--block.Holders == 0)
            {
                Lent--;
                _free.Push(block);
            }
        }
    }
}
