using System.Buffers.Binary;

namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// GGUF's simple quantised blocks of 32 weights. Q8_0: a binary16 scale d, then 32 signed bytes q; w = d q. Q4_0: a binary16 scale d, then 16 bytes, byte i
/// with weight i in its low nibble and weight i + 16 in its high one; w = d (q - 8). Reference: ggml-org/llama.cpp, ggml/src/ggml-quants.c,
/// quantize_row_q8_0_ref and quantize_row_q4_0_ref, whose bytes <see cref="Narrow"/> gives.
/// </summary>
internal static class QuantizedBlocks
{
    public const int Elements = 32;
    public const int ScaleBytes = 2;
    public const int Q8Bytes = ScaleBytes + Elements;
    public const int Q4Bytes = ScaleBytes + Elements / 2;
    private const int Half = Elements / 2;

    public static void Widen(ReadOnlySpan<byte> source, ElementType type, Span<float> destination)
    {
        var bytes = type.BlockBytes();
        for (; destination.Length >= Elements; source = source[bytes..], destination = destination[Elements..])
        {
            var scale = (float)BinaryPrimitives.ReadHalfLittleEndian(source);
            var quants = source[ScaleBytes..bytes];
            for (var i = 0; i < quants.Length; i++)
            {
                if (type == ElementType.Q8_0)
                {
                    destination[i] = scale * unchecked((sbyte)quants[i]);
                }
                else
                {
                    destination[i] = scale * ((quants[i] & 15) - 8);
                    destination[i + Half] = scale * ((quants[i] >> 4) - 8);
                }
            }
        }
    }

    public static void Narrow(ReadOnlySpan<float> source, ElementType type, Span<byte> destination)
    {
        var bytes = type.BlockBytes();
        for (; source.Length >= Elements; source = source[Elements..], destination = destination[bytes..])
        {
            if (type == ElementType.Q8_0)
            {
                NarrowQ8(source[..Elements], destination);
            }
            else
            {
                NarrowQ4(source[..Elements], destination);
            }
        }
    }

    private static void NarrowQ8(ReadOnlySpan<float> block, Span<byte> destination)
    {
        var largest = 0f;
        foreach (var value in block)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        var scale = largest / 127f;
        var inverse = scale != 0 ? 1f / scale : 0f;
        BinaryPrimitives.WriteHalfLittleEndian(destination, (System.Half)scale);
        for (var i = 0; i < Elements; i++)
        {
            destination[ScaleBytes + i] = unchecked((byte)(sbyte)Math.Clamp(MathF.Round(block[i] * inverse, MidpointRounding.AwayFromZero), -127f, 127f));
        }
    }

    // The weight of largest magnitude, whatever its sign, becomes exactly -8.
    private static void NarrowQ4(ReadOnlySpan<float> block, Span<byte> destination)
    {
        var (magnitude, extreme) = (0f, 0f);
        foreach (var value in block)
        {
            if (MathF.Abs(value) > magnitude)
            {
                (magnitude, extreme) = (MathF.Abs(value), value);
            }
        }

        var scale = extreme / -8f;
        var inverse = scale != 0 ? 1f / scale : 0f;
        BinaryPrimitives.WriteHalfLittleEndian(destination, (System.Half)scale);
        for (var i = 0; i < Half; i++)
        {
            destination[ScaleBytes + i] = (byte)(Nibble(block[i] * inverse) | (Nibble(block[i + Half] * inverse) << 4));
        }
    }

    private static int Nibble(float scaled) => (int)Math.Clamp(scaled + 8.5f, 0f, 15f);
}
