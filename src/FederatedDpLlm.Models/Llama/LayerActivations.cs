using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Llama;

/// <summary>
/// What one layer computes for the rows of a pass, each row-major. Inference gives all layers the same buffers; training keeps one set a layer for the
/// backward pass.
/// </summary>
internal sealed class LayerActivations
{
    public LayerActivations(ModelConfiguration shape, int rows, FloatBuffer? residual = null)
    {
        Input = residual ?? new FloatBuffer(rows * shape.Width);
        AttentionInput = new FloatBuffer(rows * shape.Width);
        Query = new FloatBuffer(rows * shape.QueryWidth);
        Key = new FloatBuffer(rows * shape.KeyValueWidth);
        Value = new FloatBuffer(rows * shape.KeyValueWidth);
        Attended = new FloatBuffer(rows * shape.QueryWidth);
        Middle = residual ?? new FloatBuffer(rows * shape.Width);
        FeedForwardInput = new FloatBuffer(rows * shape.Width);
        Gate = new FloatBuffer(rows * shape.FeedForwardWidth);
        Up = new FloatBuffer(rows * shape.FeedForwardWidth);
        Hidden = new FloatBuffer(rows * shape.FeedForwardWidth);
        if (shape.QueryKeyNorm && residual is null)
        {
            QueryBeforeNorm = new FloatBuffer(rows * shape.QueryWidth);
            KeyBeforeNorm = new FloatBuffer(rows * shape.KeyValueWidth);
        }
    }

    /// <summary>The residual stream on entry.</summary>
    public FloatBuffer Input { get; }

    /// <summary>The normed input of the attention.</summary>
    public FloatBuffer AttentionInput { get; }

    /// <summary>Queries after rotation.</summary>
    public FloatBuffer Query { get; }

    /// <summary>Keys after rotation.</summary>
    public FloatBuffer Key { get; }

    public FloatBuffer Value { get; }

    /// <summary>What the heads' norm made <see cref="Query"/> of: for training, where the model has such norms.</summary>
    public FloatBuffer? QueryBeforeNorm { get; }

    /// <summary>What the heads' norm made <see cref="Key"/> of: for training, where the model has such norms.</summary>
    public FloatBuffer? KeyBeforeNorm { get; }

    /// <summary>The heads' weighted values.</summary>
    public FloatBuffer Attended { get; }

    /// <summary>The residual stream after the attention.</summary>
    public FloatBuffer Middle { get; }

    /// <summary>The normed input of the feed-forward part.</summary>
    public FloatBuffer FeedForwardInput { get; }

    public FloatBuffer Gate { get; }

    public FloatBuffer Up { get; }

    /// <summary>silu(gate) * up.</summary>
    public FloatBuffer Hidden { get; }
}
