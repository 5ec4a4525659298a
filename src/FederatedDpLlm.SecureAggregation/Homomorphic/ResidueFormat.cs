using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// How residues travel: 50 bits each. Thirty-two of them take 200 bytes: their lowest 32 bits, their next 16, then the last two bits of residues
/// k, k + 8, k + 16, k + 24 in byte k. Little-endian; a residue is in [0, p), so that an encoding is unique.
/// </summary>
internal static class ResidueFormat
{
    /// <summary>Bytes of a plane.</summary>
    public const int PlaneSizeBytes = Ring.Degree * Ring.ResidueBits / 8;

    /// <summary>Bytes of an element.</summary>
    public const int ElementSizeBytes = Ring.Primes * PlaneSizeBytes;

    private const int Group = 32;
    private const int GroupSizeBytes = Group * Ring.ResidueBits / 8;
    private const ulong TwoBits = 0x0303030303030303;

    /// <summary>Writes a plane of centred residues.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(ReadOnlySpan<double> plane, RingModulus modulus, Span<byte> encoded)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(plane.Length, Ring.Degree);
        ArgumentOutOfRangeException.ThrowIfNotEqual(encoded.Length, PlaneSizeBytes);
        ref var from = ref MemoryMarshal.GetReference(plane);
        ref var to = ref MemoryMarshal.GetReference(encoded);
        var p = Vector512.Create(modulus.Modulus);
        for (var (i, at) = (0, 0); i < Ring.Degree; (i, at) = (i + Group, at + GroupSizeBytes))
        {
            var (w0, w1) = (Canonical(Vector512.LoadUnsafe(ref from, (nuint)i), p), Canonical(Vector512.LoadUnsafe(ref from, (nuint)i + 8), p));
            var (w2, w3) = (Canonical(Vector512.LoadUnsafe(ref from, (nuint)i + 16), p), Canonical(Vector512.LoadUnsafe(ref from, (nuint)i + 24), p));
            Vector512.Narrow(w0, w1).AsByte().StoreUnsafe(ref to, (nuint)at);
            Vector512.Narrow(w2, w3).AsByte().StoreUnsafe(ref to, (nuint)at + 64);
            var (upper, lower) = (Vector512.Narrow(w0 >>> 32, w1 >>> 32), Vector512.Narrow(w2 >>> 32, w3 >>> 32));
            Vector512.Narrow(upper, lower).AsByte().StoreUnsafe(ref to, (nuint)at + 128);
            var top = Vector512.Narrow(upper >>> 16, lower >>> 16);
            var bytes = Vector256.Narrow(top.GetLower(), top.GetUpper()).AsUInt64();
            MemoryMarshal.Write(encoded[(at + 192)..], bytes[0] | (bytes[1] << 2) | (bytes[2] << 4) | (bytes[3] << 6));
        }
    }

    /// <summary>Adds a plane to sums of residues; false, with the sums as they were, where a residue is p or more.</summary>
    public static bool TryAdd(Span<ulong> sums, ReadOnlySpan<byte> encoded, RingModulus modulus)
    {
        if (!Accumulate(sums, encoded, modulus, new Addition()))
        {
            _ = Accumulate(sums, encoded, modulus, new Subtraction());
            return false;
        }

        return true;
    }

    /// <summary>Takes a plane off sums that it was added to.</summary>
    public static void Subtract(Span<ulong> sums, ReadOnlySpan<byte> encoded, RingModulus modulus) => Accumulate(sums, encoded, modulus, new Subtraction());

    /// <summary>Reads a plane as centred residues; false where a residue is p or more.</summary>
    public static bool TryRead(ReadOnlySpan<byte> encoded, RingModulus modulus, Span<double> plane)
    {
        var words = MemoryMarshal.Cast<double, ulong>(plane);
        words.Clear();
        var valid = TryAdd(words, encoded, modulus);
        Centre(words, modulus, plane);
        return valid;
    }

    /// <summary>Sums of at most 2^13 residues as centred residues; <paramref name="plane"/> may be the same memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Centre(ReadOnlySpan<ulong> sums, RingModulus modulus, Span<double> plane)
    {
        ref var from = ref MemoryMarshal.GetReference(sums);
        ref var to = ref MemoryMarshal.GetReference(plane);
        var p = Vector512.Create(modulus.Modulus);
        var inverse = Vector512.Create(modulus.Inverse);
        var fold = Vector512.Create((double)((1L << Ring.ResidueBits) - (long)modulus.Value));
        for (var i = 0; i <= sums.Length - 8; i += 8)
        {
            // 2^50 = fold modulo p, and fold times 2^13 is below 2^34.
            var sum = Vector512.LoadUnsafe(ref from, (nuint)i);
            var low = SmallIntegers.ToDoubles((sum & Vector512.Create((1UL << Ring.ResidueBits) - 1)).AsInt64());
            var x = low + (SmallIntegers.ToDoubles((sum >>> Ring.ResidueBits).AsInt64()) * fold);
            (x - (Vector512.Round(x * inverse) * p)).StoreUnsafe(ref to, (nuint)i);
        }
    }

    private static Vector512<ulong> Canonical(Vector512<double> centred, Vector512<double> p) =>
        SmallIntegers.ToIntegers(centred + (Vector512.LessThan(centred, Vector512<double>.Zero) & p)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Accumulate<TOperation>(Span<ulong> sums, ReadOnlySpan<byte> encoded, RingModulus modulus, TOperation operation)
        where TOperation : struct, IOperation
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sums.Length, Ring.Degree);
        ArgumentOutOfRangeException.ThrowIfNotEqual(encoded.Length, PlaneSizeBytes);
        ref var to = ref MemoryMarshal.GetReference(sums);
        ref var from = ref MemoryMarshal.GetReference(encoded);
        var largest = Vector512<ulong>.Zero;
        for (var (i, at) = (0, 0); i < Ring.Degree; (i, at) = (i + Group, at + GroupSizeBytes))
        {
            var packed = MemoryMarshal.Read<ulong>(encoded[(at + 192)..]);
            var bits = Vector256.Create(packed & TwoBits, (packed >> 2) & TwoBits, (packed >> 4) & TwoBits, (packed >> 6) & TwoBits).AsByte();
            var (topLower, topUpper) = Vector256.Widen(bits);
            var middle = Vector512.LoadUnsafe(ref from, (nuint)at + 128).AsUInt16();
            var (high0, high1) = Vector512.Widen(middle);
            var (top0, top1) = Vector512.Widen(Vector512.Create(topLower, topUpper));
            var (h0, h1) = Vector512.Widen(high0 | (top0 << 16));
            var (h2, h3) = Vector512.Widen(high1 | (top1 << 16));
            var (l0, l1) = Vector512.Widen(Vector512.LoadUnsafe(ref from, (nuint)at).AsUInt32());
            var (l2, l3) = Vector512.Widen(Vector512.LoadUnsafe(ref from, (nuint)at + 64).AsUInt32());
            var (w0, w1, w2, w3) = (l0 | (h0 << 32), l1 | (h1 << 32), l2 | (h2 << 32), l3 | (h3 << 32));
            largest = Vector512.Max(largest, Vector512.Max(Vector512.Max(w0, w1), Vector512.Max(w2, w3)));
            operation.Apply(Vector512.LoadUnsafe(ref to, (nuint)i), w0).StoreUnsafe(ref to, (nuint)i);
            operation.Apply(Vector512.LoadUnsafe(ref to, (nuint)i + 8), w1).StoreUnsafe(ref to, (nuint)i + 8);
            operation.Apply(Vector512.LoadUnsafe(ref to, (nuint)i + 16), w2).StoreUnsafe(ref to, (nuint)i + 16);
            operation.Apply(Vector512.LoadUnsafe(ref to, (nuint)i + 24), w3).StoreUnsafe(ref to, (nuint)i + 24);
        }

        return !Vector512.GreaterThanAny(largest, Vector512.Create(modulus.Value - 1));
    }

    private interface IOperation
    {
        Vector512<ulong> Apply(Vector512<ulong> sum, Vector512<ulong> residues);
    }

    private readonly struct Addition : IOperation
    {
        public Vector512<ulong> Apply(Vector512<ulong> sum, Vector512<ulong> residues) => sum + residues;
    }

    private readonly struct Subtraction : IOperation
    {
        public Vector512<ulong> Apply(Vector512<ulong> sum, Vector512<ulong> residues) => sum - residues;
    }
}
