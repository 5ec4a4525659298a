using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Weights;

/// <summary>A tensor's name and shape; vectors have one row.</summary>
internal sealed record TensorShape(string Name, int Rows, int Columns)
{
    public int Elements => checked(Rows * Columns);

    public bool IsVector => Rows == 1;

    public IReadOnlyList<int> Dimensions => IsVector ? [Columns] : [Rows, Columns];

    /// <summary>All tensors of a model, in the order in which they are written.</summary>
    public static IEnumerable<TensorShape> Of(ModelConfiguration shape)
    {
        yield return new(TensorNames.Embedding, shape.Vocabulary, shape.Width);
        foreach (var tensor in Enumerable.Range(0, shape.Layers).SelectMany(layer => OfLayer(shape, layer)))
        {
            yield return tensor;
        }

        yield return new(TensorNames.FinalNorm, 1, shape.Width);
        if (!shape.TiedHead)
        {
            yield return new(TensorNames.Head, shape.Vocabulary, shape.Width);
        }
    }

    public static IEnumerable<TensorShape> OfLayer(ModelConfiguration shape, int layer)
    {
        yield return new(TensorNames.AttentionNorm(layer), 1, shape.Width);
        yield return new(TensorNames.Query(layer), shape.QueryWidth, shape.Width);
        yield return new(TensorNames.Key(layer), shape.KeyValueWidth, shape.Width);
        yield return new(TensorNames.Value(layer), shape.KeyValueWidth, shape.Width);
        yield return new(TensorNames.Output(layer), shape.Width, shape.QueryWidth);
        yield return new(TensorNames.FeedForwardNorm(layer), 1, shape.Width);
        yield return new(TensorNames.Gate(layer), shape.FeedForwardWidth, shape.Width);
        yield return new(TensorNames.Up(layer), shape.FeedForwardWidth, shape.Width);
        yield return new(TensorNames.Down(layer), shape.Width, shape.FeedForwardWidth);
        if (shape.AttentionBias)
        {
            yield return new(TensorNames.Query(layer, "bias"), 1, shape.QueryWidth);
            yield return new(TensorNames.Key(layer, "bias"), 1, shape.KeyValueWidth);
            yield return new(TensorNames.Value(layer, "bias"), 1, shape.KeyValueWidth);
        }

        if (shape.QueryKeyNorm)
        {
            yield return new(TensorNames.QueryNorm(layer), 1, shape.HeadSize);
            yield return new(TensorNames.KeyNorm(layer), 1, shape.HeadSize);
        }
    }
}
