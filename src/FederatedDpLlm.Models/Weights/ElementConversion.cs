using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FederatedDpLlm.Models.Weights;

/// <summary>Widening and narrowing of stored elements; little-endian, rounding to nearest even.</summary>
internal static class ElementConversion
{
    public static int SizeBytes(this ElementType type) => type == ElementType.Float32 ? 4 : 2;

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
            default:
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]) << 16);
                }

                break;
        }
    }

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
            default:
                for (var i = 0; i < source.Length; i++)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(destination[(2 * i)..], ToBFloat16(source[i]));
                }

                break;
        }
    }

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
