using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.KvCache;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Causal attention of some queries of one sequence that read the same keys: consecutive positions of one head, or the heads of one position that share a
/// key-value head, so that a decoded token reads each key once. Every sum over positions is a chain in position order, so that
/// prefill in any chunks and decoding token by token give the same bits.
/// </summary>
internal static unsafe class AttentionKernel
{
    /// <summary>Queries handled together.</summary>
    public const int QueriesTogether = 8;

    private const int Lanes = 16;

    /// <summary>The attention weights of <paramref name="count"/> queries over positions 0 to their own; zeros up to the end of the last block.</summary>
    /// <param name="sequence">Holds the keys of all positions up to the last query's.</param>
    /// <param name="keyOffset">Where a block holds the keys of this layer and head.</param>
    /// <param name="queries">The first query's head.</param>
    /// <param name="queryRow">Floats from a query to the next.</param>
    /// <param name="count">Number of queries.</param>
    /// <param name="firstPosition">The first query's position.</param>
    /// <param name="positionStep">From a query's position to the next one's: 1, or 0 for heads of one position.</param>
    /// <param name="weights">Row i receives query i's weights.</param>
    /// <param name="weightRow">Floats from a row to the next; at least the positions rounded up to whole blocks.</param>
    public static void Weights(
        KvSequence sequence, int keyOffset, float* queries, nint queryRow, int count, int firstPosition, int positionStep, float* weights, nint weightRow)
    {
        unchecked
        {
            var headSize = sequence.Layout.HeadSize;
            var scale = 1f / MathF.Sqrt(headSize);
            var blocks = (firstPosition + (count - 1) * positionStep) / KvLayout.BlockPositions + 1;
            for (var block = 0; block < blocks; block++)
            {
                MatrixTile.Multiply(
                    count, queries, queryRow, 1, sequence.Block(block) + keyOffset, KvLayout.BlockPositions, headSize,
                    weights + block * KvLayout.BlockPositions, weightRow, accumulate: false);
            }

            for (var i = 0; i < count; i++)
            {
                var row = weights + i * weightRow;
                var visible = firstPosition + i * positionStep + 1;
                SoftmaxOfVisible(row, scale, visible, blocks * KvLayout.BlockPositions);
            }
        }
    }

    /// <summary>The weighted values: outputs row i = sum over positions of weights[i, t] * value[t].</summary>
    /// <param name="sequence">Holds the values.</param>
    /// <param name="valueOffset">Where a block holds the values of this layer and head.</param>
    /// <param name="weights">From <see cref="Weights"/>.</param>
    /// <param name="weightRow">Floats from a row to the next.</param>
    /// <param name="count">Number of queries.</param>
    /// <param name="positions">Positions that the last query sees.</param>
    /// <param name="outputs">Whole tiles wide (<see cref="KvLayout.ValueStride"/>), [query][element]; beyond the head's size they mean nothing.</param>
    public static void WeightedValues(KvSequence sequence, int valueOffset, float* weights, nint weightRow, int count, int positions, float* outputs)
    {
        unchecked
        {
            var (stride, width) = (sequence.Layout.ValueStride, sequence.Layout.HeadSize);
            for (var first = 0; first < positions; first += KvLayout.BlockPositions)
            {
                var values = sequence.Block(first / KvLayout.BlockPositions) + valueOffset;
                var depth = Math.Min(KvLayout.BlockPositions, positions - first);
                for (var tile = 0; tile < stride; tile += MatrixTile.Columns)
                {
                    if (width - tile <= MatrixTile.Columns / 2 && count == QueriesTogether)
                    {
                        MatrixTile.MultiplyHalf(count, weights + first, weightRow, 1, values + tile, stride, depth, outputs + tile, stride, accumulate: first > 0);
                    }
                    else
                    {
                        MatrixTile.Multiply(count, weights + first, weightRow, 1, values + tile, stride, depth, outputs + tile, stride, accumulate: first > 0);
                    }
                }
            }
        }
    }

    // The softmax of the scaled scores that a query sees, in whole lanes: what it does not see is masked, and zero afterwards up to the end of the last block.
    private static void SoftmaxOfVisible(float* scores, float scale, int visible, int padded)
    {
        unchecked
        {
            var largest = Vector512.Create(float.NegativeInfinity);
            for (var i = 0; i < visible; i += Lanes)
            {
                largest = Vector512.Max(largest, LaneMask.First(visible - i, Vector512.Load(scores + i) * scale, Vector512.Create(float.NegativeInfinity)));
            }

            var max = Vector512.Create(Elementwise.Max(largest));
            var sum = Vector512<float>.Zero;
            for (var i = 0; i < visible; i += Lanes)
            {
                var power = LaneMask.First(visible - i, Elementwise.Exp(Vector512.Load(scores + i) * scale - max), Vector512<float>.Zero);
                power.Store(scores + i);
                sum += power;
            }

            var factor = 1f / LaneSum.Tree(sum);
            for (var i = 0; i < padded; i += Lanes)
            {
                LaneMask.First(visible - i, Vector512.Load(scores + i) * factor, Vector512<float>.Zero).Store(scores + i);
            }
        }
    }

    /// <summary>values = exp(values - max) / sum.</summary>
    public static void Softmax(float* values, int length)
    {
        // The maximum does not depend on order.
        var max = Elementwise.Max(values, length);
        Elementwise.ExpShifted(values, max, length);
        Elementwise.Scale(values, 1f / LaneSum.Of(values, length), length);
    }
}
