using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;

namespace FederatedDpLlm.Models.Llama;

/// <summary>The memory of one forward pass at a time; one pass uses it at a time.</summary>
internal sealed class ForwardWorkspace
{
    private readonly FloatBuffer[] _scratch;

    /// <param name="shape">The model's shape.</param>
    /// <param name="rows">Most tokens of one pass.</param>
    /// <param name="threads">Most threads that share a pass.</param>
    /// <param name="keepActivations">Whether every layer keeps its own activations, for a backward pass.</param>
    public ForwardWorkspace(ModelConfiguration shape, int rows, int threads = 1, bool keepActivations = false)
    {
        (Rows, Threads) = (rows, threads);
        var residual = new FloatBuffer(rows * shape.Width);
        var shared = keepActivations ? null : new LayerActivations(shape, rows, residual);
        Layers = [.. Enumerable.Range(0, shape.Layers).Select(_ => shared ?? new LayerActivations(shape, rows))];
        Output = residual;
        FinalInput = new FloatBuffer(rows * shape.Width);
        Projected = new FloatBuffer(rows * shape.Width);
        var positions = (shape.Context + KvLayout.BlockPositions - 1) / KvLayout.BlockPositions * KvLayout.BlockPositions;
        var stride = (shape.HeadSize + MatrixTile.Columns - 1) / MatrixTile.Columns * MatrixTile.Columns;
        WeightRow = positions;
        _scratch = [.. Enumerable.Range(0, threads).Select(_ => new FloatBuffer(AttentionKernel.QueriesTogether * (positions + stride)))];
        RowPosition = new int[rows];
        RowToken = new int[rows];
        RowChunk = new int[rows];
        LogitRow = new int[rows];
    }

    public int Rows { get; }

    public int Threads { get; }

    /// <summary>Threads that share each product of the rows at hand; more than 1 only while the pass holds the team.</summary>
    public int ProductThreads { get; set; } = 1;

    public IReadOnlyList<LayerActivations> Layers { get; }

    /// <summary>The residual stream after the last layer.</summary>
    public FloatBuffer Output { get; }

    /// <summary>The normed output, one row per wanted logits.</summary>
    public FloatBuffer FinalInput { get; }

    /// <summary>What a part adds to the residual stream.</summary>
    public FloatBuffer Projected { get; }

    /// <summary>Logits, one row per wanted one; grown on demand.</summary>
    public FloatBuffer Logits { get; private set; } = new(0);

    public int WeightRow { get; }

    public int[] RowPosition { get; }

    public int[] RowToken { get; }

    public int[] RowChunk { get; }

    /// <summary>Whether a row of the pass is read with an adapter.</summary>
    public bool HasAdapters { get; set; }

    /// <summary>The pass's row of each wanted logits.</summary>
    public int[] LogitRow { get; }

    public FloatBuffer Scratch(int thread) => _scratch[thread];

    public void EnsureLogits(int floats)
    {
        if (Logits.Length < floats)
        {
            Logits = new FloatBuffer(floats);
        }
    }
}
