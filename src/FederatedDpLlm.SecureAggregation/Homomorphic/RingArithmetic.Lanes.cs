using System.Runtime.CompilerServices;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// The arithmetic on registers of a given width. References: van der Hoeven, Lecerf, Quintin, "Modular SIMD arithmetic in Mathemagix" (products modulo p in
/// doubles with fused multiply-add), as in FLINT's fft_small; Longa, Naehrig, "Speeding up the number theoretic transform", CANS 2016 (the negacyclic
/// transform with roots in bit-reversed order).
/// Bounds, with |x| = b p and |y| at most p/2: the quotient is off by at most 3 * 2^-53 * b * 2^49 = 0.1875 b, so |x y mod p| is at most (0.5 + 0.1875 b) p,
/// and every intermediate integer stays below 2^53 = 8 p, where doubles are exact, as long as b is below 6.
/// </summary>
internal sealed unsafe partial class RingArithmetic<TLanes, TVector> : RingArithmetic
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    // The first four stages work on values this far apart, after which 16 blocks of this length are independent and stay in the first-level cache.
    private const int Block = Ring.Degree / 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MultiplyAdd(Span<double> sum, ReadOnlySpan<double> left, ReadOnlySpan<double> right, RingModulus modulus)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sum.Length % 8, 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(left.Length, sum.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(right.Length, sum.Length);
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        fixed (double* s = sum, x = left, y = right)
        {
            for (var i = 0; i < sum.Length; i += TLanes.Count)
            {
                TLanes.Store(s + i, Reduce(TLanes.Add(TLanes.Load(s + i), Product(TLanes.Load(x + i), TLanes.Load(y + i), p, inverse)), p, inverse));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MultiplyAdd(Span<double> sum, ReadOnlySpan<double> left, double factor, RingModulus modulus)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sum.Length % 8, 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(left.Length, sum.Length);
        var (p, inverse, y) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse), TLanes.Broadcast(factor));
        fixed (double* s = sum, x = left)
        {
            for (var i = 0; i < sum.Length; i += TLanes.Count)
            {
                TLanes.Store(s + i, Reduce(TLanes.Add(TLanes.Load(s + i), Product(TLanes.Load(x + i), y, p, inverse)), p, inverse));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ScaledDifference(Span<double> result, ReadOnlySpan<double> left, ReadOnlySpan<double> right, double factor, RingModulus modulus)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(result.Length % 8, 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(left.Length, result.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(right.Length, result.Length);
        var (p, inverse, y) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse), TLanes.Broadcast(factor));
        fixed (double* r = result, u = left, v = right)
        {
            for (var i = 0; i < result.Length; i += TLanes.Count)
            {
                TLanes.Store(r + i, Reduce(Product(TLanes.Subtract(TLanes.Load(u + i), TLanes.Load(v + i)), y, p, inverse), p, inverse));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Combine(Span<double> result, LimbPlanes limbs, ReadOnlySpan<double> factors, RingModulus modulus)
    {
        var length = limbs.Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(result.Length, length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(length % 8, 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(factors.Length, LimbPlanes.Limbs);
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        var (f0, f1, f2, f3) = (TLanes.Broadcast(factors[0]), TLanes.Broadcast(factors[1]), TLanes.Broadcast(factors[2]), TLanes.Broadcast(factors[3]));
        fixed (double* to = result, from = limbs.All)
        {
            for (var i = 0; i < length; i += TLanes.Count)
            {
                var low = TLanes.Add(Product(TLanes.Load(from + i), f0, p, inverse), Product(TLanes.Load(from + length + i), f1, p, inverse));
                var high = TLanes.Add(Product(TLanes.Load(from + (2 * length) + i), f2, p, inverse), Product(TLanes.Load(from + (3 * length) + i), f3, p, inverse));
                TLanes.Store(to + i, Reduce(TLanes.Add(low, high), p, inverse));
            }
        }
    }

    // x y - round(x y / p) p: the product's low half is what one rounding lost, and both differences are integers small enough to be exact.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Product(TVector x, TVector y, TVector p, TVector inverse)
    {
        var high = TLanes.Multiply(x, y);
        var low = TLanes.MultiplySubtract(x, y, high);
        var quotient = TLanes.Round(TLanes.Multiply(high, inverse));
        return TLanes.Add(TLanes.NegatedMultiplyAdd(quotient, p, high), low);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Reduce(TVector x, TVector p, TVector inverse) => TLanes.NegatedMultiplyAdd(TLanes.Round(TLanes.Multiply(x, inverse)), p, x);
}
