using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Llama;

/// <summary>What stands before the first and after the last layer: the embedding, the final norm, the head.</summary>
internal sealed unsafe class EdgeWeights
{
    public EdgeWeights(ModelConfiguration shape, ITensorSource source)
    {
        Shape = shape;
        Embedding = PackedMatrix.Load(source, TensorNames.Embedding, shape.Vocabulary, shape.Width);
        FinalNorm = LayerWeights.Vector(source, TensorNames.FinalNorm, shape.Width);
        Head = shape.TiedHead ? Embedding : PackedMatrix.Load(source, TensorNames.Head, shape.Vocabulary, shape.Width);
    }

    public ModelConfiguration Shape { get; }

    /// <summary>A row for each token; a tied head is the same matrix.</summary>
    public PackedMatrix Embedding { get; }

    public FloatBuffer FinalNorm { get; }

    public PackedMatrix Head { get; }

    public void Refresh(TensorSet parameters)
    {
        Embedding.Repack(parameters[TensorNames.Embedding].Span);
        parameters[TensorNames.FinalNorm].Span.CopyTo(FinalNorm.Span);
        if (!Shape.TiedHead)
        {
            Head.Repack(parameters[TensorNames.Head].Span);
        }
    }

    /// <summary>The stream's first rows.</summary>
    public void Embed(ReadOnlySpan<int> tokens, Span<float> stream)
    {
        for (var row = 0; row < tokens.Length; row++)
        {
            Embedding.ReadRow(tokens[row], stream.Slice(row * Shape.Width, Shape.Width));
        }
    }

    /// <summary>The logits of some rows of the last layer's stream; <paramref name="normed"/> keeps the head's inputs.</summary>
    public void Project(float* stream, ReadOnlySpan<int> rows, float* normed, float* logits, int threads = 1)
    {
        unchecked
        {
            for (var wanted = 0; wanted < rows.Length; wanted++)
            {
                RmsNorm.Forward(
                    stream + (nint)rows[wanted] * Shape.Width, FinalNorm.Pointer, normed + (nint)wanted * Shape.Width, Shape.Width, (float)Shape.NormEpsilon);
            }

            ProductJob.Run(threads, rows.Length, normed, Shape.Width, (Head, (nint)logits));
        }

        GC.KeepAlive(this);
    }
}
