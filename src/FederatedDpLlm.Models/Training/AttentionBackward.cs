using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Training;

/// <summary>The gradients of queries, keys and values of one sequence in one layer. Attention weights are computed again rather than kept.</summary>
internal static unsafe class AttentionBackward
{
    private const int Together = AttentionKernel.QueriesTogether;
    private const int Lanes = 16;
    private const int Block = KvLayout.BlockPositions;

    /// <param name="shape">The model's shape.</param>
    /// <param name="layer">The layer's index.</param>
    /// <param name="sequence">Holds the keys of the forward pass.</param>
    /// <param name="keep">The layer's activations.</param>
    /// <param name="work">Its Attended holds the gradient that comes in; its Query, Key and Value receive the results.</param>
    /// <param name="first">The sequence's first row.</param>
    /// <param name="length">Its rows.</param>
    public static void Run(ModelConfiguration shape, int layer, KvSequence sequence, LayerActivations keep, BackwardWorkspace work, int first, int length)
    {
        var group = shape.Heads / shape.KeyValueHeads;
        for (var head = 0; head < shape.Heads; head++)
        {
            var shared = head / group;
            if (head % group == 0)
            {
                TransposeValues(shape, keep.Value.Pointer + first * shape.KeyValueWidth + shared * shape.HeadSize, work.ValuesTransposed.Pointer, length);
            }

            for (var query = 0; query < length; query += Together)
            {
                Queries(shape, sequence, sequence.Layout.KeyOffset(layer, shared), keep, work, first, query, Math.Min(Together, length - query), head, shared);
            }

            KeysAndValues(shape, keep, work, first, length, head, shared, accumulate: head % group != 0);
        }
    }

    private static void TransposeValues(ModelConfiguration shape, float* values, float* transposed, int length)
    {
        unchecked
        {
            for (var position = 0; position < length; position++)
            {
                var target = transposed + position / Block * shape.HeadSize * Block + position % Block;
                for (var i = 0; i < shape.HeadSize; i++)
                {
                    target[i * Block] = values[position * shape.KeyValueWidth + i];
                }
            }
        }
    }

    // Softmax: ds = p * (dp - sum(p * dp)); then the gradient of the query is ds K.
    private static void Queries(
        ModelConfiguration shape, KvSequence sequence, int keyOffset, LayerActivations keep, BackwardWorkspace work, int first, int query, int count, int head, int shared)
    {
        unchecked
        {
            var (headSize, row) = (shape.HeadSize, (nint)work.AttentionRow);
            var weights = work.Weights.Pointer + query * row;
            var scores = work.Scores.Pointer + query * row;
            var place = (first + query) * shape.QueryWidth + head * headSize;
            AttentionKernel.Weights(sequence, keyOffset, keep.Query.Pointer + place, shape.QueryWidth, count, query, 1, weights, row);
            var blocks = (query + count - 1) / Block + 1;
            for (var block = 0; block < blocks; block++)
            {
                MatrixTile.Multiply(
                    count, work.Attended.Pointer + place, shape.QueryWidth, 1, work.ValuesTransposed.Pointer + block * headSize * Block, Block, headSize,
                    scores + block * Block, row, accumulate: false);
            }

            var scale = 1f / MathF.Sqrt(headSize);
            for (var i = 0; i < count; i++)
            {
                SoftmaxBackward(weights + i * row, scores + i * row, query + i + 1, blocks * Block, scale);
            }

            var keys = keep.Key.Pointer + first * shape.KeyValueWidth + shared * headSize;
            MatrixProduct.Multiply(
                count, headSize, query + count, scores, row, 1, keys, shape.KeyValueWidth, work.Query.Pointer + place, shape.QueryWidth, accumulate: false);
        }
    }

    private static void SoftmaxBackward(float* weights, float* scores, int visible, int padded, float scale)
    {
        unchecked
        {
            var along = Vector512.Create(LaneSum.OfPaddedProducts(weights, scores, visible));
            for (var t = 0; t < padded; t += Lanes)
            {
                var gradient = Vector512.Load(weights + t) * (Vector512.Load(scores + t) - along) * scale;
                LaneMask.First(visible - t, gradient, Vector512<float>.Zero).Store(scores + t);
            }
        }
    }

    // Above the diagonal both matrices hold zeros up to the end of a block, so a tile of positions starts at its own first query.
    private static void KeysAndValues(
        ModelConfiguration shape, LayerActivations keep, BackwardWorkspace work, int first, int length, int head, int shared, bool accumulate)
    {
        unchecked
        {
            var (headSize, row) = (shape.HeadSize, (nint)work.AttentionRow);
            for (var position = 0; position < length; position += Together)
            {
                var count = Math.Min(Together, length - position);
                var queries = (first + position) * shape.QueryWidth + head * headSize;
                var target = (first + position) * shape.KeyValueWidth + shared * headSize;
                var corner = position * row + position;
                MatrixProduct.Multiply(
                    count, headSize, length - position, work.Weights.Pointer + corner, 1, row, work.Attended.Pointer + queries, shape.QueryWidth,
                    work.Value.Pointer + target, shape.KeyValueWidth, accumulate);
                MatrixProduct.Multiply(
                    count, headSize, length - position, work.Scores.Pointer + corner, 1, row, keep.Query.Pointer + queries, shape.QueryWidth,
                    work.Key.Pointer + target, shape.KeyValueWidth, accumulate);
            }
        }
    }
}
