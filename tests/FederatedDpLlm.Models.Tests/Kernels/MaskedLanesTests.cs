using CsCheck;
using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Tests.Llama;

namespace FederatedDpLlm.Models.Tests.Kernels;

/// <summary>Whole registers with a mask at the end have the bits of the plain loops, whatever lies behind the end.</summary>
public sealed unsafe class MaskedLanesTests
{
    [Fact]
    public void A_padded_sum_has_the_bits_of_a_plain_one() =>
        Gen.Select(Gen.Int[1, 100], Gen.UInt).Sample((length, seed) =>
        {
            var (a, b) = (MatrixTests.Floats(length + 16, seed), MatrixTests.Floats(length + 16, seed + 1));
            var plain = LaneSum.OfProducts(a.Pointer, b.Pointer, length);
            a.Span[length..].Fill(float.NaN);
            b.Span[length..].Fill(float.NaN);
            var padded = LaneSum.OfPaddedProducts(a.Pointer, b.Pointer, length);
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            return BitConverter.SingleToInt32Bits(plain) == BitConverter.SingleToInt32Bits(padded);
        });

    [Fact]
    public void Attention_weights_have_the_bits_of_a_softmax_of_what_is_visible() =>
        Gen.Select(Gen.Int[0, 70], Gen.Int[1, 8], Gen.UInt).Sample((first, count, seed) =>
        {
            var shape = RandomModel.Shape;
            var layout = new KvLayout(shape);
            using var sequence = new KvSequence(new KvBlockPool(layout));
            sequence.Extend(first + count);
            var keys = MatrixTests.Floats((first + count) * shape.HeadSize, seed);
            var queries = MatrixTests.Floats(count * shape.HeadSize, seed + 1);
            for (var block = 0; block < KvLayout.BlocksOf(first + count); block++)
            {
                new Span<float>(sequence.Block(block), layout.BlockFloats).Fill(float.NaN);
            }

            for (var i = 0; i < keys.Length; i++)
            {
                var (position, element) = (i / shape.HeadSize, i % shape.HeadSize);
                sequence.Block(position / KvLayout.BlockPositions)[layout.KeyOffset(0, 0) + element * KvLayout.BlockPositions + position % KvLayout.BlockPositions] = keys.Span[i];
            }

            var row = KvLayout.BlocksOf(first + count) * KvLayout.BlockPositions;
            var weights = new FloatBuffer(count * row);
            AttentionKernel.Weights(sequence, layout.KeyOffset(0, 0), queries.Pointer, shape.HeadSize, count, first, 1, weights.Pointer, row);
            return Enumerable.Range(0, count).All(query =>
            {
                var visible = first + query + 1;
                var plain = new FloatBuffer(row);
                for (var position = 0; position < visible; position++)
                {
                    MatrixTile.MultiplyEdge(
                        1, 1, queries.Pointer + query * shape.HeadSize, shape.HeadSize, 1, keys.Pointer + position * shape.HeadSize, 1, shape.HeadSize, plain.Pointer + position, 1,
                        accumulate: false);
                }

                Elementwise.Scale(plain.Pointer, 1f / MathF.Sqrt(shape.HeadSize), visible);
                AttentionKernel.Softmax(plain.Pointer, visible);
                return plain.Span.SequenceEqual(weights.Span.Slice(query * row, row));
            });
        });
}
