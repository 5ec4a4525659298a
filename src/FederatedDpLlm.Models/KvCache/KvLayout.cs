using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.KvCache;

/// <summary>
/// How a block of 32 positions lies in memory: for every layer and key-value head the keys as [element][position] and the values as [position][element],
/// so that scores and sums are plain <see cref="MatrixTile"/> products.
/// </summary>
internal sealed class KvLayout
{
    public const int BlockPositions = MatrixTile.Columns;

    public KvLayout(ModelConfiguration configuration)
    {
        HeadSize = configuration.HeadSize;
        ValueStride = (HeadSize + MatrixTile.Columns - 1) / MatrixTile.Columns * MatrixTile.Columns;
        KeyFloats = HeadSize * BlockPositions;
        HeadFloats = KeyFloats + BlockPositions * ValueStride;
        KeyValueHeads = configuration.KeyValueHeads;
        BlockFloats = checked(configuration.Layers * KeyValueHeads * HeadFloats);
    }

    public int HeadSize { get; }

    /// <summary>Floats from a position's value to the next: the head size, rounded up to whole tiles.</summary>
    public int ValueStride { get; }

    public int KeyFloats { get; }

    public int BlockFloats { get; }

    public long BlockBytes => (long)BlockFloats * sizeof(float);

    private int HeadFloats { get; }

    private int KeyValueHeads { get; }

    /// <summary>Blocks that hold this many positions.</summary>
    public static int BlocksOf(int positions) => (positions + BlockPositions - 1) / BlockPositions;

    public int KeyOffset(int layer, int head) => (layer * KeyValueHeads + head) * HeadFloats;

    public int ValueOffset(int layer, int head) => KeyOffset(layer, head) + KeyFloats;
}
