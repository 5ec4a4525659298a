using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FederatedDpLlm.Models.Weights;

/// <summary>Widening and narrowing of stored elements; little-endian, rounding to nearest even.</summary>
internal static class ElementConversion
{
    /// <summary>Elements of one stored block: 1 for the float types.</summary>
    public static int BlockElements(this ElementType type) => type switch
    {
        ElementType.Q8_0 or ElementType.Q4_0 => QuantizedBlocks.Elements,
        ElementType.Q4_K or ElementType.Q6_K => KQuantBlocks.Elements,
        _ => 1,
    };

    /// <summary>Bytes of one stored block.</summary>
    public static int BlockBytes(this ElementType type) => type switch
    {
        ElementType.Float32 => 4,
        ElementType.Q8_0 => QuantizedBlocks.Q8Bytes,
        ElementType.Q4_0 => QuantizedBlocks.Q4Bytes,
        ElementType.Q4_K => KQuantBlocks.Q4Bytes,
        ElementType.Q6_K => KQuantBlocks.Q6Bytes,
        _ => 2,
    };

    /// <summary>Bytes of a row of elements: whole blocks.</summary>
    /// <exception cref="ModelFormatException">The row is no whole number of blocks.</exception>
    public static long RowBytes(this ElementType type, long elements)
    {
        var (blocks, rest) = Math.DivRem(elements, type.BlockElements());
        return rest == 0
            ? checked(blocks * type.BlockBytes())
            : throw new ModelFormatException($"A row of {elements} elements is no whole number of {type}'s blocks of {type.BlockElements()}.");
    }

    public static void Widen(ReadOnlySpan<byte> source, ElementType type, Span<float> destination)
    {
        switch (type)
        {
            case ElementType.Float32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case ElementType.Float16:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..]);
                }

                break;
            case ElementType.BFloat16:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = FromBFloat16(BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]));
                }

                break;
            case ElementType.Q8_0 or ElementType.Q4_0:
                QuantizedBlocks.Widen(source, type, destination);
                break;
            default:
                KQuantBlocks.Widen(source, type, destination);
                break;
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The type is one that is only read.</exception>
    public static void Narrow(ReadOnlySpan<float> source, ElementType type, Span<byte> destination)
    {
        switch (type)
        {
            case ElementType.Float32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case ElementType.Float16:
                for (var i = 0; i < source.Length; i++)
                {
                    BinaryPrimitives.WriteHalfLittleEndian(destination[(2 * i)..], (Half)source[i]);
                }

                break;
            case ElementType.BFloat16:
                for (var i = 0; i < source.Length; i++)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(destination[(2 * i)..], ToBFloat16(source[i]));
                }

                break;
            case ElementType.Q8_0 or ElementType.Q4_0:
                QuantizedBlocks.Narrow(source, type, destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "This type is only read.");
        }
    }

    public static float FromBFloat16(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    public static ushort ToBFloat16(float value)
    {
        unchecked
        {
            var bits = BitConverter.SingleToUInt32Bits(value);
            return float.IsNaN(value)
                ? (ushort)((bits >> 16) | 0x40)
                : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
