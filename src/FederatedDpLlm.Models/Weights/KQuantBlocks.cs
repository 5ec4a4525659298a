using System.Buffers.Binary;

namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// GGUF's k-quant super-blocks of 256 weights, read only. Q4_K: binary16 d and dmin, twelve bytes with eight 6-bit scales and eight 6-bit minima, 128 bytes of
/// nibbles; w = d scale q - dmin min. Q6_K: 128 bytes with the low 4 bits, 64 with the high 2, sixteen signed scales, binary16 d; w = d scale (q - 32).
/// Reference: ggml-org/llama.cpp, ggml/src/ggml-quants.c, dequantize_row_q4_K and dequantize_row_q6_K.
/// </summary>
internal static class KQuantBlocks
{
    public const int Elements = 256;
    public const int Q4Bytes = 2 + 2 + PackedScales + Elements / 2;
    public const int Q6Bytes = Elements / 2 + Elements / 4 + Elements / 16 + 2;
    private const int PackedScales = 12;

    public static void Widen(ReadOnlySpan<byte> source, ElementType type, Span<float> destination)
    {
        var bytes = type.BlockBytes();
        for (; destination.Length >= Elements; source = source[bytes..], destination = destination[Elements..])
        {
            if (type == ElementType.Q4_K)
            {
                WidenQ4(source[..bytes], destination);
            }
            else
            {
                WidenQ6(source[..bytes], destination);
            }
        }
    }

    private static void WidenQ4(ReadOnlySpan<byte> block, Span<float> destination)
    {
        var scale = (float)BinaryPrimitives.ReadHalfLittleEndian(block);
        var minimum = (float)BinaryPrimitives.ReadHalfLittleEndian(block[2..]);
        var packed = block.Slice(4, PackedScales);
        var nibbles = block[(4 + PackedScales)..];
        for (var group = 0; group < 8; group++)
        {
            var (groupScale, groupMinimum) = SixBits(packed, group);
            var (d, m) = (scale * groupScale, minimum * groupMinimum);
            var shift = group % 2 * 4;
            for (var i = 0; i < 32; i++)
            {
                destination[group * 32 + i] = d * ((nibbles[group / 2 * 32 + i] >> shift) & 15) - m;
            }
        }
    }

    // Groups 0-3 keep their six bits in one byte; 4-7 have four bits in the last four bytes and their top two above those of group - 4.
    private static (int Scale, int Minimum) SixBits(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));

    private static void WidenQ6(ReadOnlySpan<byte> block, Span<float> destination)
    {
        var low = block[..128];
        var high = block.Slice(128, 64);
        var scales = block.Slice(192, 16);
        var scale = (float)BinaryPrimitives.ReadHalfLittleEndian(block[208..]);
        for (var i = 0; i < Elements; i++)
        {
            // Two halves of 128; within one, four runs of 32 take turns in the nibbles and in the pairs of high bits.
            var (half, run, place) = (i / 128, i / 32 % 4, i % 32);
            var nibble = (low[half * 64 + run % 2 * 32 + place] >> (run / 2 * 4)) & 15;
            var top = (high[half * 32 + place] >> (run * 2)) & 3;
            destination[i] = scale * unchecked((sbyte)scales[i / 16]) * ((nibble | (top << 4)) - 32);
        }
    }
}
