using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// The seven operations on doubles that the ring needs, on as many lanes as a register has. Every one is an IEEE 754 operation with one rounding, so that
/// code written once over this interface gives the same bits at every width.
/// </summary>
internal unsafe interface ILanes<TVector>
    where TVector : struct
{
    static abstract int Count { get; }

    static abstract TVector Broadcast(double value);

    static abstract TVector Load(double* from);

    static abstract void Store(double* to, TVector value);

    static abstract TVector Add(TVector left, TVector right);

    static abstract TVector Subtract(TVector left, TVector right);

    static abstract TVector Multiply(TVector left, TVector right);

    /// <summary>left * right - third, rounded once.</summary>
    static abstract TVector MultiplySubtract(TVector left, TVector right, TVector third);

    /// <summary>third - left * right, rounded once.</summary>
    static abstract TVector NegatedMultiplyAdd(TVector left, TVector right, TVector third);

    /// <summary>To the nearest integer, ties to even.</summary>
    static abstract TVector Round(TVector value);

    /// <summary>Copies an 8 by 8 matrix, rows becoming columns.</summary>
    static abstract void Transpose(double* from, double* to);
}

/// <summary>AVX-512: eight lanes.</summary>
internal readonly unsafe struct EightLanes : ILanes<Vector512<double>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Broadcast(double value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Load(double* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double* to, Vector512<double> value) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Add(Vector512<double> left, Vector512<double> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Subtract(Vector512<double> left, Vector512<double> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Multiply(Vector512<double> left, Vector512<double> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> MultiplySubtract(Vector512<double> left, Vector512<double> right, Vector512<double> third) =>
        Avx512F.FusedMultiplySubtract(left, right, third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> NegatedMultiplyAdd(Vector512<double> left, Vector512<double> right, Vector512<double> third) =>
        Avx512F.FusedMultiplyAddNegated(left, right, third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Round(Vector512<double> value) => Avx512F.RoundScale(value, 0x08);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(double* from, double* to)
    {
        // 2 by 2 blocks within 128 bits, then 128-bit quarters twice.
        const byte Even = 0x88;
        const byte Odd = 0xDD;
        var (r0, r1, r2, r3) = (Load(from), Load(from + 8), Load(from + 16), Load(from + 24));
        var (r4, r5, r6, r7) = (Load(from + 32), Load(from + 40), Load(from + 48), Load(from + 56));
        var (t0, t1, t2, t3) = (Avx512F.UnpackLow(r0, r1), Avx512F.UnpackHigh(r0, r1), Avx512F.UnpackLow(r2, r3), Avx512F.UnpackHigh(r2, r3));
        var (t4, t5, t6, t7) = (Avx512F.UnpackLow(r4, r5), Avx512F.UnpackHigh(r4, r5), Avx512F.UnpackLow(r6, r7), Avx512F.UnpackHigh(r6, r7));
        var (s0, s1, s2, s3) = (Avx512F.Shuffle4x128(t0, t2, Even), Avx512F.Shuffle4x128(t1, t3, Even), Avx512F.Shuffle4x128(t0, t2, Odd), Avx512F.Shuffle4x128(t1, t3, Odd));
        var (s4, s5, s6, s7) = (Avx512F.Shuffle4x128(t4, t6, Even), Avx512F.Shuffle4x128(t5, t7, Even), Avx512F.Shuffle4x128(t4, t6, Odd), Avx512F.Shuffle4x128(t5, t7, Odd));
        Avx512F.Shuffle4x128(s0, s4, Even).Store(to);
        Avx512F.Shuffle4x128(s1, s5, Even).Store(to + 8);
        Avx512F.Shuffle4x128(s2, s6, Even).Store(to + 16);
        Avx512F.Shuffle4x128(s3, s7, Even).Store(to + 24);
        Avx512F.Shuffle4x128(s0, s4, Odd).Store(to + 32);
        Avx512F.Shuffle4x128(s1, s5, Odd).Store(to + 40);
        Avx512F.Shuffle4x128(s2, s6, Odd).Store(to + 48);
        Avx512F.Shuffle4x128(s3, s7, Odd).Store(to + 56);
    }
}

/// <summary>AVX2 with FMA: four lanes.</summary>
internal readonly unsafe struct FourLanes : ILanes<Vector256<double>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Broadcast(double value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(double* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double* to, Vector256<double> value) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Add(Vector256<double> left, Vector256<double> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Subtract(Vector256<double> left, Vector256<double> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Multiply(Vector256<double> left, Vector256<double> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> MultiplySubtract(Vector256<double> left, Vector256<double> right, Vector256<double> third) =>
        Fma.MultiplySubtract(left, right, third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> NegatedMultiplyAdd(Vector256<double> left, Vector256<double> right, Vector256<double> third) =>
        Fma.MultiplyAddNegated(left, right, third);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Round(Vector256<double> value) => Avx.RoundToNearestInteger(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(double* from, double* to)
    {
        Quarter(from, to);
        Quarter(from + 4, to + 32);
        Quarter(from + 32, to + 4);
        Quarter(from + 36, to + 36);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(double* from, double* to)
    {
        var (r0, r1, r2, r3) = (Load(from), Load(from + 8), Load(from + 16), Load(from + 24));
        var (t0, t1, t2, t3) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1), Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
        Avx.Permute2x128(t0, t2, 0x20).Store(to);
        Avx.Permute2x128(t1, t3, 0x20).Store(to + 8);
        Avx.Permute2x128(t0, t2, 0x31).Store(to + 16);
        Avx.Permute2x128(t1, t3, 0x31).Store(to + 24);
    }
}

/// <summary>Any processor: one lane. <see cref="Math.FusedMultiplyAdd"/> rounds once with or without an instruction for it.</summary>
internal readonly unsafe struct OneLane : ILanes<double>
{
    public static int Count => 1;

    public static double Broadcast(double value) => value;

    public static double Load(double* from) => *from;

    public static void Store(double* to, double value) => *to = value;

    public static double Add(double left, double right) => left + right;

    public static double Subtract(double left, double right) => left - right;

    public static double Multiply(double left, double right) => left * right;

    public static double MultiplySubtract(double left, double right, double third) => Math.FusedMultiplyAdd(left, right, -third);

    public static double NegatedMultiplyAdd(double left, double right, double third) => Math.FusedMultiplyAdd(-left, right, third);

    public static double Round(double value) => Math.Round(value);

    public static void Transpose(double* from, double* to)
    {
        for (var i = 0; i < 64; i++)
        {
            to[((i & 7) * 8) + (i >> 3)] = from[i];
        }
    }
}
