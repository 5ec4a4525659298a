using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Masking;

/// <summary>
/// How a lane modulo 2^b travels: 2, 3 or 4 bytes, little-endian, the fewest that hold a value of the sum. Arithmetic is modulo 2^32 in memory;
/// since 2^b divides 2^32, cutting a lane to b bits at the end is exact.
/// </summary>
internal readonly record struct LaneFormat(int SizeBytes)
{
    public static LaneFormat For(int sumBits) => new(Math.Max(2, (sumBits + 7) / 8));

    /// <summary>Writes the low bytes of every lane.</summary>
    public void Pack(ReadOnlySpan<uint> lanes, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, lanes.Length * SizeBytes);
        switch (SizeBytes)
        {
            case 4:
                MemoryMarshal.AsBytes(lanes).CopyTo(destination);
                break;
            case 3:
                PackThree(lanes, destination);
                break;
            default:
                PackTwo(lanes, MemoryMarshal.Cast<byte, ushort>(destination));
                break;
        }
    }

    /// <summary>Adds packed lanes to <paramref name="sum"/>, modulo 2^32 (the bits above the format's are then without meaning).</summary>
    public void AddTo(Span<uint> sum, ReadOnlySpan<byte> packed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(packed.Length, sum.Length * SizeBytes);
        switch (SizeBytes)
        {
            case 4:
                AddFour(sum, MemoryMarshal.Cast<byte, uint>(packed));
                break;
            case 3:
                AddThree(sum, packed);
                break;
            default:
                AddTwo(sum, MemoryMarshal.Cast<byte, ushort>(packed));
                break;
        }
    }

    /// <summary>A lane as a signed number of the format's width.</summary>
    public int Signed(uint lane)
    {
        var unused = 32 - (8 * SizeBytes);
        return unchecked((int)(lane << unused)) >> unused;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackTwo(ReadOnlySpan<uint> lanes, Span<ushort> destination)
    {
        var i = 0;
        ref var to = ref MemoryMarshal.GetReference(destination);
        for (; i <= lanes.Length - 16; i += 16)
        {
            var low = Vector256.Create(lanes[i..]) & Vector256.Create(0xFFFFu);
            var high = Vector256.Create(lanes[(i + 8)..]) & Vector256.Create(0xFFFFu);
            Vector256.Narrow(low, high).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < lanes.Length; i++)
        {
            destination[i] = unchecked((ushort)lanes[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackThree(ReadOnlySpan<uint> lanes, Span<byte> destination)
    {
        // Sixteen bytes are stored and twelve kept: the last lanes go one by one.
        var gather = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        var i = 0;
        ref var to = ref MemoryMarshal.GetReference(destination);
        for (; i <= lanes.Length - 8; i += 4)
        {
            Vector128.Shuffle(Vector128.Create(lanes[i..]).AsByte(), gather).StoreUnsafe(ref to, (nuint)(3 * i));
        }

        for (; i < lanes.Length; i++)
        {
            var lane = lanes[i];
            destination[3 * i] = unchecked((byte)lane);
            destination[(3 * i) + 1] = unchecked((byte)(lane >> 8));
            destination[(3 * i) + 2] = unchecked((byte)(lane >> 16));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(Span<uint> sum, ReadOnlySpan<uint> packed)
    {
        var i = 0;
        ref var total = ref MemoryMarshal.GetReference(sum);
        ref var from = ref MemoryMarshal.GetReference(packed);
        for (; i <= sum.Length - 16; i += 16)
        {
            (Vector512.LoadUnsafe(ref total, (nuint)i) + Vector512.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref total, (nuint)i);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] = unchecked(sum[i] + packed[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTwo(Span<uint> sum, ReadOnlySpan<ushort> packed)
    {
        var i = 0;
        ref var total = ref MemoryMarshal.GetReference(sum);
        ref var from = ref MemoryMarshal.GetReference(packed);
        for (; i <= sum.Length - 16; i += 16)
        {
            var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
            (Vector256.LoadUnsafe(ref total, (nuint)i) + low).StoreUnsafe(ref total, (nuint)i);
            (Vector256.LoadUnsafe(ref total, (nuint)i + 8) + high).StoreUnsafe(ref total, (nuint)i + 8);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] = unchecked(sum[i] + packed[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddThree(Span<uint> sum, ReadOnlySpan<byte> packed)
    {
        var spread = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        var i = 0;
        ref var total = ref MemoryMarshal.GetReference(sum);
        ref var from = ref MemoryMarshal.GetReference(packed);
        for (; i <= sum.Length - 8; i += 4)
        {
            var lanes = Vector128.Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(3 * i)), spread).AsUInt32();
            (Vector128.LoadUnsafe(ref total, (nuint)i) + lanes).StoreUnsafe(ref total, (nuint)i);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] = unchecked(sum[i] + packed[3 * i] + ((uint)packed[(3 * i) + 1] << 8) + ((uint)packed[(3 * i) + 2] << 16));
        }
    }
}
