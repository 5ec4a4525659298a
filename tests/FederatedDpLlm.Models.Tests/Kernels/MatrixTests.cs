using CsCheck;
using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Tests.Kernels;

/// <summary>The tiles, whatever their width, compute the chains of the definition, bit for bit.</summary>
public sealed unsafe class MatrixTests
{
    [Fact]
    public void Tiles_of_every_register_width_give_the_bits_of_the_definition() =>
        Gen.Select(Gen.Int[1, 21], Gen.Int[1, 70], Gen.Bool, Gen.UInt).Sample((rows, depth, accumulate, seed) =>
        {
            var (a, b, start) = (Floats(rows * depth, seed), Floats(depth * MatrixTile.Columns, seed + 1), Floats(rows * MatrixTile.Columns, seed + 2));
            var (edge, narrow, wide) = (Copy(start), Copy(start), Copy(start));
            MatrixTile.MultiplyEdge(rows, MatrixTile.Columns, a.Pointer, depth, 1, b.Pointer, MatrixTile.Columns, depth, edge.Pointer, MatrixTile.Columns, accumulate);
            MatrixTile256.Multiply<Float32Row>(rows, a.Pointer, depth, 1, (byte*)b.Pointer, MatrixTile.Columns * sizeof(float), depth, narrow.Pointer, MatrixTile.Columns, accumulate);
            MatrixTile512.Multiply<Float32Row>(rows, a.Pointer, depth, 1, (byte*)b.Pointer, MatrixTile.Columns * sizeof(float), depth, wide.Pointer, MatrixTile.Columns, accumulate);
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            return Same(edge, narrow) && Same(edge, wide);
        });

    // 16 columns have tiles of their own; the widths between go chain by chain.
    [Fact]
    public void Products_of_any_width_give_the_bits_of_the_definition() =>
        Gen.Select(Gen.Int[1, 21], Gen.Int[1, 40], Gen.Int[1, 80], Gen.Bool, Gen.UInt).Sample((rows, depth, columns, accumulate, seed) =>
        {
            var (a, b, start) = (Floats(rows * depth, seed), Floats(depth * columns, seed + 1), Floats(rows * columns, seed + 2));
            var (edge, product, narrow, wide) = (Copy(start), Copy(start), Copy(start), Copy(start));
            MatrixTile.MultiplyEdge(rows, columns, a.Pointer, depth, 1, b.Pointer, columns, depth, edge.Pointer, columns, accumulate);
            MatrixProduct.Multiply(rows, columns, depth, a.Pointer, depth, 1, b.Pointer, columns, product.Pointer, columns, accumulate);
            var half = Math.Min(columns, 16);
            if (half == 16)
            {
                MatrixTile256.MultiplyHalf(rows, a.Pointer, depth, 1, b.Pointer, columns, depth, narrow.Pointer, columns, accumulate);
                MatrixTile512.MultiplyHalf(rows, a.Pointer, depth, 1, b.Pointer, columns, depth, wide.Pointer, columns, accumulate);
            }

            GC.KeepAlive(a);
            GC.KeepAlive(b);
            return Same(edge, product)
                && (half < 16 || Enumerable.Range(0, rows * columns).All(i => i % columns >= half || (narrow.Span[i] == edge.Span[i] && wide.Span[i] == edge.Span[i])));
        });

    // The gradient of a matrix: its left factor is transposed, and where its rows are whole pages the chains are cut.
    [Theory, InlineData(1000), InlineData(1024), InlineData(2048)]
    public void Products_of_a_transposed_matrix_give_the_bits_of_the_definition(int step) =>
        Gen.Select(Gen.Int[1, 21], Gen.Int[1, 300], Gen.Int[1, 80], Gen.Bool, Gen.UInt).Sample((rows, depth, columns, accumulate, seed) =>
        {
            var (a, b, start) = (Floats(depth * step, seed), Floats(depth * columns, seed + 1), Floats(rows * columns, seed + 2));
            var (edge, product) = (Copy(start), Copy(start));
            MatrixTile.MultiplyEdge(rows, columns, a.Pointer, 1, step, b.Pointer, columns, depth, edge.Pointer, columns, accumulate);
            MatrixProduct.Multiply(rows, columns, depth, a.Pointer, 1, step, b.Pointer, columns, product.Pointer, columns, accumulate);
            GC.KeepAlive(a);
            GC.KeepAlive(b);
            return Same(edge, product);
        }, iter: 30);

    [Fact]
    public void A_packed_matrix_is_its_float64_product_and_a_row_does_not_depend_on_its_neighbours() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 70], Gen.Int[1, 12], Gen.Int[1, 8], Gen.UInt).Sample((rows, outputs, times, cuts, seed) =>
        {
            var inputs = times * cuts;
            var (x, w) = (Floats(rows * inputs, seed), Floats(outputs * inputs, seed + 1));
            var packed = PackedMatrix.Pack(w.Span, outputs, inputs, cuts);
            var (together, alone) = (new FloatBuffer(rows * outputs), new FloatBuffer(rows * outputs));
            packed.Multiply(rows, x.Pointer, inputs, together.Pointer, outputs);
            for (var row = 0; row < rows; row++)
            {
                packed.Multiply(1, x.Pointer + row * inputs, inputs, alone.Pointer + row * outputs, outputs);
            }

            return Same(together, alone) && Enumerable.Range(0, rows * outputs).All(i =>
                Math.Abs(together.Span[i] - Dot(x, i / outputs * inputs, w, i % outputs * inputs, inputs)) < 1e-5 * inputs);
        });

    [Fact]
    public void Slices_owned_by_different_ranks_combine_to_the_bits_of_the_whole()
    {
        const int Outputs = 40;
        const int Inputs = 96;
        var (x, w) = (Floats(Inputs, 1), Floats(Outputs * Inputs, 2));
        var whole = new FloatBuffer(Outputs);
        PackedMatrix.Pack(w.Span, Outputs, Inputs, 4).Multiply(1, x.Pointer, Inputs, whole.Pointer, Outputs);

        var halves = new[] { 0, 1 }.Select(rank =>
        {
            var columns = Enumerable.Range(0, Outputs).SelectMany(row => w.Span.Slice(row * Inputs + rank * Inputs / 2, Inputs / 2).ToArray()).ToArray();
            var part = new FloatBuffer(Outputs);
            PackedMatrix.Pack(columns, Outputs, Inputs / 2, 2).Multiply(1, x.Pointer + rank * Inputs / 2, Inputs / 2, part.Pointer, Outputs);
            return part;
        }).ToList();
        Elementwise.Add(halves[0].Pointer, halves[1].Pointer, Outputs);

        Assert.True(Same(whole, halves[0]));
    }

    internal static FloatBuffer Floats(int count, uint seed)
    {
        var buffer = new FloatBuffer(count);
        var state = seed * 2654435761u + 1;
        for (var i = 0; i < count; i++)
        {
            state = unchecked(state * 1664525u + 1013904223u);
            buffer.Span[i] = (state >> 8) / (float)(1 << 23) - 1f;
        }

        return buffer;
    }

    private static FloatBuffer Copy(FloatBuffer buffer) => FloatBuffer.CopyOf(buffer.Span);

    private static bool Same(FloatBuffer a, FloatBuffer b) => a.Span.SequenceEqual(b.Span);

    private static double Dot(FloatBuffer a, int aStart, FloatBuffer b, int bStart, int length)
    {
        var sum = 0.0;
        for (var i = 0; i < length; i++)
        {
            sum += (double)a.Span[aStart + i] * b.Span[bStart + i];
        }

        return sum;
    }
}
