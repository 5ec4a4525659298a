using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Training;

/// <summary>The memory of one backward pass at a time: gradients of activations, row-major.</summary>
internal sealed class BackwardWorkspace
{
    // Keeps the columns of the attention matrices from falling onto the same cache lines.
    private const int RowPadding = 16;

    public BackwardWorkspace(ModelConfiguration shape, int rows)
    {
        Rows = rows;
        Stream = new FloatBuffer(rows * shape.Width);
        Normed = new FloatBuffer(rows * shape.Width);
        Gate = new FloatBuffer(rows * shape.FeedForwardWidth);
        Up = new FloatBuffer(rows * shape.FeedForwardWidth);
        Attended = new FloatBuffer(rows * shape.QueryWidth);
        Query = new FloatBuffer(rows * shape.QueryWidth);
        Key = new FloatBuffer(rows * shape.KeyValueWidth);
        Value = new FloatBuffer(rows * shape.KeyValueWidth);
        var positions = (Math.Min(rows, shape.Context) + KvLayout.BlockPositions - 1) / KvLayout.BlockPositions * KvLayout.BlockPositions;
        AttentionRow = positions + RowPadding;
        Weights = new FloatBuffer(positions * AttentionRow);
        Scores = new FloatBuffer(positions * AttentionRow);
        ValuesTransposed = new FloatBuffer(positions * shape.HeadSize);
    }

    public int Rows { get; }

    public FloatBuffer Stream { get; }

    public FloatBuffer Normed { get; }

    public FloatBuffer Gate { get; }

    public FloatBuffer Up { get; }

    public FloatBuffer Attended { get; }

    public FloatBuffer Query { get; }

    public FloatBuffer Key { get; }

    public FloatBuffer Value { get; }

    public int AttentionRow { get; }

    /// <summary>One head's attention weights, [query][position].</summary>
    public FloatBuffer Weights { get; }

    /// <summary>One head's gradients of the scores, [query][position].</summary>
    public FloatBuffer Scores { get; }

    /// <summary>One head's values as [block][element][position].</summary>
    public FloatBuffer ValuesTransposed { get; }
}
