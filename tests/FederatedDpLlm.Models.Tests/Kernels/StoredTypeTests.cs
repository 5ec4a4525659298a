using CsCheck;
using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Kernels.MachineCode;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Kernels;

/// <summary>Matrices kept as BF16, Q8_0 and Q4_0 compute what their definition says, bit for bit.</summary>
public sealed unsafe class StoredTypeTests
{
    private static readonly Gen<(int Rows, int Outputs, int Inputs, int Slices, uint Seed)> Case =
        Gen.Select(Gen.Int[1, 17], Gen.Int[1, 70], Gen.Int[1, 3], Gen.Int[0, 2], Gen.UInt, (rows, outputs, blocks, cuts, seed) => (rows, outputs, blocks * 32 << cuts, 1 << cuts, seed));

    [Fact]
    public void Bfloat16_weights_give_the_bits_of_their_widened_floats() => Case.Sample(one =>
    {
        var source = Stored(one, ElementType.BFloat16, out var widened);
        return Same(Product(Load(source, one), one), Product(PackedMatrix.Pack(widened, one.Outputs, one.Inputs, one.Slices), one));
    });

    [Theory, InlineData(ElementType.Q8_0), InlineData(ElementType.Q4_0)]
    public void Quantised_weights_give_the_bits_of_exact_integer_sums_chained_by_block(ElementType type) => Case.Sample(one =>
    {
        var source = Stored(one, type, out _);
        var packed = Load(source, one);
        var (x, y) = (MatrixTests.Floats(one.Rows * one.Inputs, one.Seed + 1), Product(packed, one));
        return packed.Type == type && Enumerable.Range(0, one.Rows * one.Outputs).All(i =>
            Definition(x.Span.Slice(i / one.Outputs * one.Inputs, one.Inputs), source.Row(i % one.Outputs, one.Inputs), one.Slices, type).Equals(y.Span[i]));
    });

    [Fact]
    public void Code_of_our_own_gives_the_bits_of_the_managed_kernels()
    {
        Assert.SkipWhen(Quantized8Tiles.Shared is null, "needs Linux on a processor with AVX512-VNNI");
        Case.Sample(one =>
        {
            var source = Stored(one, ElementType.Q8_0, out _);
            return Same(Product(Q8(null), one), Product(Q8(Quantized8Tiles.Shared), one));

            Quantized8Matrix Q8(Quantized8Tiles? tiles)
            {
                var matrix = new Quantized8Matrix(one.Outputs, one.Inputs, one.Slices, tiles);
                matrix.Fill(source, "w");
                return matrix;
            }
        });
    }

    [Theory, InlineData(ElementType.BFloat16), InlineData(ElementType.Q8_0), InlineData(ElementType.Q4_0)]
    public void A_row_does_not_depend_on_its_neighbours_and_reads_back_as_it_was_stored(ElementType type) => Case.Sample(one =>
    {
        var packed = Load(Stored(one, type, out var widened), one);
        var (x, together, alone) = (MatrixTests.Floats(one.Rows * one.Inputs, one.Seed + 1), Product(packed, one), new FloatBuffer(one.Rows * one.Outputs));
        for (var row = 0; row < one.Rows; row++)
        {
            packed.Multiply(1, x.Pointer + row * one.Inputs, one.Inputs, alone.Pointer + row * one.Outputs, one.Outputs);
        }

        var read = new float[one.Inputs];
        packed.ReadRow(one.Outputs - 1, read);
        GC.KeepAlive(x);
        return Same(together, alone) && read.AsSpan().SequenceEqual(widened.AsSpan((one.Outputs - 1) * one.Inputs));
    });

    [Fact]
    public void Every_finite_binary16_scale_is_widened_exactly()
    {
        var words = new FloatBuffer(16);
        for (var bits = 0; bits <= ushort.MaxValue; bits += 2)
        {
            var (low, high) = (BitConverter.UInt16BitsToHalf((ushort)bits), BitConverter.UInt16BitsToHalf((ushort)(bits + 1)));
            if (Half.IsFinite(low) && Half.IsFinite(high))
            {
                ((uint*)words.Pointer)[3] = (uint)(bits | (bits + 1) << 16);
                Assert.Equal((float)low, PanelScales.Low((byte*)words.Pointer)[3]);
                Assert.Equal((float)high, PanelScales.High((byte*)words.Pointer)[3]);
            }
        }
    }

    [Theory, InlineData(ElementType.Q8_0, -1), InlineData(ElementType.Q8_0, 1), InlineData(ElementType.Q4_0, -1), InlineData(ElementType.Q4_0, 1)]
    public void The_worst_integers_neither_saturate_nor_overflow(ElementType type, int sign)
    {
        const int Inputs = 64;
        const int Rows = 5; // four together and one alone
        var bytes = new byte[type.RowBytes(Inputs)];
        Array.Fill(bytes, type == ElementType.Q8_0 ? (byte)0x80 : (byte)0);
        foreach (var block in new[] { 0, type.BlockBytes() })
        {
            (bytes[block], bytes[block + 1]) = (0, 0x3C);
        }

        var (x, y) = (new FloatBuffer(Rows * Inputs), new FloatBuffer(Rows));
        x.Span.Fill(sign * 127);
        PackedMatrix.Load(new StoredRows(bytes, type), "w", 1, Inputs).Multiply(Rows, x.Pointer, Inputs, y.Pointer, 1);
        Assert.All(y.Span.ToArray(), sum => Assert.Equal(-sign * Inputs * 127f * (type == ElementType.Q8_0 ? 128 : 8), sum));
        GC.KeepAlive(x);
    }

    [Fact]
    public void A_scale_that_is_not_finite_is_refused()
    {
        var bytes = new byte[ElementType.Q8_0.RowBytes(32)];
        bytes[1] = 0x7C;
        Assert.Throws<ModelFormatException>(() => PackedMatrix.Load(new StoredRows(bytes, ElementType.Q8_0), "w", 1, 32));
    }

    private static float Definition(ReadOnlySpan<float> x, ReadOnlySpan<byte> stored, int slices, ElementType type)
    {
        var partial = new float[slices];
        var blocks = x.Length / 32;
        for (var block = 0; block < blocks; block++)
        {
            var inputs = x.Slice(block * 32, 32);
            var largest = 0f;
            foreach (var value in inputs)
            {
                largest = MathF.Max(largest, MathF.Abs(value));
            }

            var quants = stored.Slice(block * type.BlockBytes(), type.BlockBytes());
            var sum = 0;
            for (var i = 0; i < 32; i++)
            {
                var weight = type == ElementType.Q8_0 ? (sbyte)quants[2 + i] : ((quants[2 + i % 16] >> (i / 16 * 4)) & 15) - 8;
                sum += weight * (int)MathF.Round(inputs[i] * (largest > 0 ? 127f / largest : 0));
            }

            var slice = block / (blocks / slices);
            partial[slice] = MathF.FusedMultiplyAdd(sum, (float)BitConverter.ToHalf(quants) * (largest / 127f), partial[slice]);
        }

        return slices switch { 1 => partial[0], 2 => partial[0] + partial[1], _ => (partial[0] + partial[1]) + (partial[2] + partial[3]) };
    }

    private static PackedMatrix Load(ITensorSource source, (int Rows, int Outputs, int Inputs, int Slices, uint Seed) one) =>
        PackedMatrix.Load(source, "w", one.Outputs, one.Inputs, one.Slices);

    private static StoredRows Stored((int Rows, int Outputs, int Inputs, int Slices, uint Seed) one, ElementType type, out float[] widened)
    {
        var bytes = new byte[one.Outputs * type.RowBytes(one.Inputs)];
        ElementConversion.Narrow(MatrixTests.Floats(one.Outputs * one.Inputs, one.Seed).Span, type, bytes);
        widened = new float[one.Outputs * one.Inputs];
        ElementConversion.Widen(bytes, type, widened);
        return new StoredRows(bytes, type);
    }

    private static FloatBuffer Product(PackedMatrix matrix, (int Rows, int Outputs, int Inputs, int Slices, uint Seed) one)
    {
        var (x, y) = (MatrixTests.Floats(one.Rows * one.Inputs, one.Seed + 1), new FloatBuffer(one.Rows * one.Outputs));
        matrix.Multiply(one.Rows, x.Pointer, one.Inputs, y.Pointer, one.Outputs);
        GC.KeepAlive(x);
        return y;
    }

    private static bool Same(FloatBuffer a, FloatBuffer b) => a.Span.SequenceEqual(b.Span);

    private sealed class StoredRows(byte[] bytes, ElementType type) : ITensorSource
    {
        public ReadOnlySpan<byte> Row(int row, int columns) => bytes.AsSpan(row * (int)type.RowBytes(columns), (int)type.RowBytes(columns));

        public bool Contains(string name) => true;

        public ElementType TypeOf(string name) => type;

        public void Read(string name, int rows, int columns, Span<float> destination) => ElementConversion.Widen(bytes, type, destination);

        public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination) =>
            bytes.AsSpan(firstRow * (int)type.RowBytes(columns), destination.Length).CopyTo(destination);
    }
}
