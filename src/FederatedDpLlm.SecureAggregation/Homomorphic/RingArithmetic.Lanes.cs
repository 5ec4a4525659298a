using System.Runtime.CompilerServices;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// The arithmetic on registers of a given width. References: van der Hoeven, Lecerf, Quintin, "Modular SIMD arithmetic in Mathemagix" (products modulo p in
/// doubles with fused multiply-add), as in FLINT's fft_small; Longa, Naehrig, "Speeding up the number theoretic transform", CANS 2016 (the negacyclic
/// transform with roots in bit-reversed order).
/// Bounds, with |x| = b p and |y| at most p/2: the quotient is off by at most 3 * 2^-53 * b * 2^49 = 0.1875 b, so |x y mod p| is at most (0.5 + 0.1875 b) p,
/// and every intermediate integer stays below 2^53 = 8 p, where doubles are exact, as long as b is below 6.
/// </summary>
internal sealed unsafe class RingArithmetic<TLanes, TVector> : RingArithmetic
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    // The first four stages work on values this far apart, after which 16 blocks of this length are independent and stay in the first-level cache.
    private const int Block = Ring.Degree / 16;

    public override void Transform(Span<double> plane, RingModulus modulus)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(plane.Length, Ring.Degree);
        var buffer = stackalloc double[64 + (AlignedMemory.LineSizeBytes / sizeof(double))];
        var columns = AlignedMemory.Align(buffer);
        fixed (double* values = plane, roots = modulus.Roots, tail = modulus.TailRoots)
        {
            Forward16(values, roots, modulus);
            for (var block = 0; block < 16; block++)
            {
                var start = values + (Block * block);
                Forward8(start, 64, roots + 16 + block, roots + 32 + (2 * block), roots + 64 + (4 * block), modulus);
                for (var part = 8 * block; part < 8 * (block + 1); part++)
                {
                    Forward8(values + (64 * part), 8, roots + 128 + part, roots + 256 + (2 * part), roots + 512 + (4 * part), modulus);
                    ForwardTail(values + (64 * part), columns, tail + (56 * part), modulus);
                }
            }
        }

        // The last secret values that passed through it.
        new Span<double>(columns, 64).Clear();
    }

    public override void InverseTransform(Span<double> plane, RingModulus modulus)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(plane.Length, Ring.Degree);
        var buffer = stackalloc double[64 + (AlignedMemory.LineSizeBytes / sizeof(double))];
        var columns = AlignedMemory.Align(buffer);
        fixed (double* values = plane, roots = modulus.InverseRoots, tail = modulus.InverseTailRoots)
        {
            for (var block = 0; block < 16; block++)
            {
                for (var part = 8 * block; part < 8 * (block + 1); part++)
                {
                    InverseTail(values + (64 * part), columns, tail + (56 * part), modulus);
                    Inverse8(values + (64 * part), 8, roots + 128 + part, roots + 256 + (2 * part), roots + 512 + (4 * part), modulus);
                }

                Inverse8(values + (Block * block), 64, roots + 16 + block, roots + 32 + (2 * block), roots + 64 + (4 * block), modulus);
            }

            Inverse16(values, roots, modulus);
        }

        // The last secret values that passed through it.
        new Span<double>(columns, 64).Clear();
    }

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Butterfly(ref TVector u, ref TVector v, TVector root, TVector p, TVector inverse)
    {
        var product = Product(v, root, p, inverse);
        v = TLanes.Subtract(u, product);
        u = TLanes.Add(u, product);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InverseButterfly(ref TVector u, ref TVector v, TVector root, TVector p, TVector inverse)
    {
        var difference = TLanes.Subtract(u, v);
        u = TLanes.Add(u, v);
        v = Product(difference, root, p, inverse);
    }

    // Four stages in registers. In: b at most 1; after the stages 1.69, 2.50, 3.47, 4.63.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward16(double* values, double* roots, RingModulus modulus)
    {
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        for (var at = values; at < values + Block; at += TLanes.Count)
        {
            var x0 = TLanes.Load(at);
            var x1 = TLanes.Load(at + Block);
            var x2 = TLanes.Load(at + (2 * Block));
            var x3 = TLanes.Load(at + (3 * Block));
            var x4 = TLanes.Load(at + (4 * Block));
            var x5 = TLanes.Load(at + (5 * Block));
            var x6 = TLanes.Load(at + (6 * Block));
            var x7 = TLanes.Load(at + (7 * Block));
            var x8 = TLanes.Load(at + (8 * Block));
            var x9 = TLanes.Load(at + (9 * Block));
            var x10 = TLanes.Load(at + (10 * Block));
            var x11 = TLanes.Load(at + (11 * Block));
            var x12 = TLanes.Load(at + (12 * Block));
            var x13 = TLanes.Load(at + (13 * Block));
            var x14 = TLanes.Load(at + (14 * Block));
            var x15 = TLanes.Load(at + (15 * Block));
            var root = TLanes.Broadcast(roots[1]);
            Butterfly(ref x0, ref x8, root, p, inverse);
            Butterfly(ref x1, ref x9, root, p, inverse);
            Butterfly(ref x2, ref x10, root, p, inverse);
            Butterfly(ref x3, ref x11, root, p, inverse);
            Butterfly(ref x4, ref x12, root, p, inverse);
            Butterfly(ref x5, ref x13, root, p, inverse);
            Butterfly(ref x6, ref x14, root, p, inverse);
            Butterfly(ref x7, ref x15, root, p, inverse);
            Three(ref x0, ref x1, ref x2, ref x3, ref x4, ref x5, ref x6, ref x7, roots + 2, roots + 4, roots + 8, p, inverse);
            TLanes.Store(at, x0);
            TLanes.Store(at + Block, x1);
            TLanes.Store(at + (2 * Block), x2);
            TLanes.Store(at + (3 * Block), x3);
            TLanes.Store(at + (4 * Block), x4);
            TLanes.Store(at + (5 * Block), x5);
            TLanes.Store(at + (6 * Block), x6);
            TLanes.Store(at + (7 * Block), x7);
            Three(ref x8, ref x9, ref x10, ref x11, ref x12, ref x13, ref x14, ref x15, roots + 3, roots + 6, roots + 12, p, inverse);
            TLanes.Store(at + (8 * Block), x8);
            TLanes.Store(at + (9 * Block), x9);
            TLanes.Store(at + (10 * Block), x10);
            TLanes.Store(at + (11 * Block), x11);
            TLanes.Store(at + (12 * Block), x12);
            TLanes.Store(at + (13 * Block), x13);
            TLanes.Store(at + (14 * Block), x14);
            TLanes.Store(at + (15 * Block), x15);
        }
    }

    // Three stages in registers, values `stride` apart. In: b at most 4.63; half of them are reduced, then 1.87, 2.72, 3.73.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward8(double* values, int stride, double* first, double* second, double* third, RingModulus modulus)
    {
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        for (var at = values; at < values + stride; at += TLanes.Count)
        {
            var x0 = Reduce(TLanes.Load(at), p, inverse);
            var x1 = Reduce(TLanes.Load(at + stride), p, inverse);
            var x2 = Reduce(TLanes.Load(at + (2 * stride)), p, inverse);
            var x3 = Reduce(TLanes.Load(at + (3 * stride)), p, inverse);
            var x4 = TLanes.Load(at + (4 * stride));
            var x5 = TLanes.Load(at + (5 * stride));
            var x6 = TLanes.Load(at + (6 * stride));
            var x7 = TLanes.Load(at + (7 * stride));
            Three(ref x0, ref x1, ref x2, ref x3, ref x4, ref x5, ref x6, ref x7, first, second, third, p, inverse);
            TLanes.Store(at, x0);
            TLanes.Store(at + stride, x1);
            TLanes.Store(at + (2 * stride), x2);
            TLanes.Store(at + (3 * stride), x3);
            TLanes.Store(at + (4 * stride), x4);
            TLanes.Store(at + (5 * stride), x5);
            TLanes.Store(at + (6 * stride), x6);
            TLanes.Store(at + (7 * stride), x7);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Three(
        ref TVector x0, ref TVector x1, ref TVector x2, ref TVector x3, ref TVector x4, ref TVector x5, ref TVector x6, ref TVector x7,
        double* first, double* second, double* third, TVector p, TVector inverse)
    {
        var root = TLanes.Broadcast(first[0]);
        Butterfly(ref x0, ref x4, root, p, inverse);
        Butterfly(ref x1, ref x5, root, p, inverse);
        Butterfly(ref x2, ref x6, root, p, inverse);
        Butterfly(ref x3, ref x7, root, p, inverse);
        root = TLanes.Broadcast(second[0]);
        Butterfly(ref x0, ref x2, root, p, inverse);
        Butterfly(ref x1, ref x3, root, p, inverse);
        root = TLanes.Broadcast(second[1]);
        Butterfly(ref x4, ref x6, root, p, inverse);
        Butterfly(ref x5, ref x7, root, p, inverse);
        Butterfly(ref x0, ref x1, TLanes.Broadcast(third[0]), p, inverse);
        Butterfly(ref x2, ref x3, TLanes.Broadcast(third[1]), p, inverse);
        Butterfly(ref x4, ref x5, TLanes.Broadcast(third[2]), p, inverse);
        Butterfly(ref x6, ref x7, TLanes.Broadcast(third[3]), p, inverse);
    }

    // The last three stages mix neighbours: 8 by 8 blocks are transposed, so that neighbours lie in different registers, and stay transposed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardTail(double* values, double* columns, double* roots, RingModulus modulus)
    {
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        TLanes.Transpose(values, columns);
        for (var lane = 0; lane < 8; lane += TLanes.Count)
        {
            var from = columns + lane;
            var root = roots + lane;
            var to = values + lane;
            var x0 = Reduce(TLanes.Load(from), p, inverse);
            var x1 = Reduce(TLanes.Load(from + 8), p, inverse);
            var x2 = Reduce(TLanes.Load(from + 16), p, inverse);
            var x3 = Reduce(TLanes.Load(from + 24), p, inverse);
            var x4 = TLanes.Load(from + 32);
            var x5 = TLanes.Load(from + 40);
            var x6 = TLanes.Load(from + 48);
            var x7 = TLanes.Load(from + 56);
            var shared = TLanes.Load(root);
            Butterfly(ref x0, ref x4, shared, p, inverse);
            Butterfly(ref x1, ref x5, shared, p, inverse);
            Butterfly(ref x2, ref x6, shared, p, inverse);
            Butterfly(ref x3, ref x7, shared, p, inverse);
            shared = TLanes.Load(root + 8);
            Butterfly(ref x0, ref x2, shared, p, inverse);
            Butterfly(ref x1, ref x3, shared, p, inverse);
            shared = TLanes.Load(root + 16);
            Butterfly(ref x4, ref x6, shared, p, inverse);
            Butterfly(ref x5, ref x7, shared, p, inverse);
            Butterfly(ref x0, ref x1, TLanes.Load(root + 24), p, inverse);
            Butterfly(ref x2, ref x3, TLanes.Load(root + 32), p, inverse);
            Butterfly(ref x4, ref x5, TLanes.Load(root + 40), p, inverse);
            Butterfly(ref x6, ref x7, TLanes.Load(root + 48), p, inverse);
            TLanes.Store(to, Reduce(x0, p, inverse));
            TLanes.Store(to + 8, Reduce(x1, p, inverse));
            TLanes.Store(to + 16, Reduce(x2, p, inverse));
            TLanes.Store(to + 24, Reduce(x3, p, inverse));
            TLanes.Store(to + 32, Reduce(x4, p, inverse));
            TLanes.Store(to + 40, Reduce(x5, p, inverse));
            TLanes.Store(to + 48, Reduce(x6, p, inverse));
            TLanes.Store(to + 56, Reduce(x7, p, inverse));
        }
    }

    // In: centred. A sum of eight is at most 4 p; reduced on the way out.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InverseTail(double* values, double* columns, double* roots, RingModulus modulus)
    {
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        for (var lane = 0; lane < 8; lane += TLanes.Count)
        {
            var from = values + lane;
            var root = roots + lane;
            var to = columns + lane;
            var x0 = TLanes.Load(from);
            var x1 = TLanes.Load(from + 8);
            var x2 = TLanes.Load(from + 16);
            var x3 = TLanes.Load(from + 24);
            var x4 = TLanes.Load(from + 32);
            var x5 = TLanes.Load(from + 40);
            var x6 = TLanes.Load(from + 48);
            var x7 = TLanes.Load(from + 56);
            InverseButterfly(ref x0, ref x1, TLanes.Load(root + 24), p, inverse);
            InverseButterfly(ref x2, ref x3, TLanes.Load(root + 32), p, inverse);
            InverseButterfly(ref x4, ref x5, TLanes.Load(root + 40), p, inverse);
            InverseButterfly(ref x6, ref x7, TLanes.Load(root + 48), p, inverse);
            var shared = TLanes.Load(root + 8);
            InverseButterfly(ref x0, ref x2, shared, p, inverse);
            InverseButterfly(ref x1, ref x3, shared, p, inverse);
            shared = TLanes.Load(root + 16);
            InverseButterfly(ref x4, ref x6, shared, p, inverse);
            InverseButterfly(ref x5, ref x7, shared, p, inverse);
            shared = TLanes.Load(root);
            InverseButterfly(ref x0, ref x4, shared, p, inverse);
            InverseButterfly(ref x1, ref x5, shared, p, inverse);
            InverseButterfly(ref x2, ref x6, shared, p, inverse);
            InverseButterfly(ref x3, ref x7, shared, p, inverse);
            TLanes.Store(to, Reduce(x0, p, inverse));
            TLanes.Store(to + 8, Reduce(x1, p, inverse));
            TLanes.Store(to + 16, Reduce(x2, p, inverse));
            TLanes.Store(to + 24, Reduce(x3, p, inverse));
            TLanes.Store(to + 32, Reduce(x4, p, inverse));
            TLanes.Store(to + 40, Reduce(x5, p, inverse));
            TLanes.Store(to + 48, Reduce(x6, p, inverse));
            TLanes.Store(to + 56, Reduce(x7, p, inverse));
        }

        TLanes.Transpose(columns, values);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Inverse8(double* values, int stride, double* first, double* second, double* third, RingModulus modulus)
    {
        var (p, inverse) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse));
        for (var at = values; at < values + stride; at += TLanes.Count)
        {
            var x0 = TLanes.Load(at);
            var x1 = TLanes.Load(at + stride);
            var x2 = TLanes.Load(at + (2 * stride));
            var x3 = TLanes.Load(at + (3 * stride));
            var x4 = TLanes.Load(at + (4 * stride));
            var x5 = TLanes.Load(at + (5 * stride));
            var x6 = TLanes.Load(at + (6 * stride));
            var x7 = TLanes.Load(at + (7 * stride));
            InverseButterfly(ref x0, ref x1, TLanes.Broadcast(third[0]), p, inverse);
            InverseButterfly(ref x2, ref x3, TLanes.Broadcast(third[1]), p, inverse);
            InverseButterfly(ref x4, ref x5, TLanes.Broadcast(third[2]), p, inverse);
            InverseButterfly(ref x6, ref x7, TLanes.Broadcast(third[3]), p, inverse);
            var shared = TLanes.Broadcast(second[0]);
            InverseButterfly(ref x0, ref x2, shared, p, inverse);
            InverseButterfly(ref x1, ref x3, shared, p, inverse);
            shared = TLanes.Broadcast(second[1]);
            InverseButterfly(ref x4, ref x6, shared, p, inverse);
            InverseButterfly(ref x5, ref x7, shared, p, inverse);
            shared = TLanes.Broadcast(first[0]);
            InverseButterfly(ref x0, ref x4, shared, p, inverse);
            InverseButterfly(ref x1, ref x5, shared, p, inverse);
            InverseButterfly(ref x2, ref x6, shared, p, inverse);
            InverseButterfly(ref x3, ref x7, shared, p, inverse);
            TLanes.Store(at, Reduce(x0, p, inverse));
            TLanes.Store(at + stride, Reduce(x1, p, inverse));
            TLanes.Store(at + (2 * stride), Reduce(x2, p, inverse));
            TLanes.Store(at + (3 * stride), Reduce(x3, p, inverse));
            TLanes.Store(at + (4 * stride), Reduce(x4, p, inverse));
            TLanes.Store(at + (5 * stride), Reduce(x5, p, inverse));
            TLanes.Store(at + (6 * stride), Reduce(x6, p, inverse));
            TLanes.Store(at + (7 * stride), Reduce(x7, p, inverse));
        }
    }

    // The first four stages undone one by one (the last pass over memory, so speed matters least here), then the division by N.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Inverse16(double* values, double* roots, RingModulus modulus)
    {
        var (p, inverse, scale) = (TLanes.Broadcast(modulus.Modulus), TLanes.Broadcast(modulus.Inverse), TLanes.Broadcast(modulus.DegreeInverse));
        for (var (count, distance) = (8, Block); count >= 1; (count, distance) = (count / 2, distance * 2))
        {
            for (var pair = 0; pair < count; pair++)
            {
                var start = values + (2 * distance * pair);
                var root = TLanes.Broadcast(roots[count + pair]);
                for (var at = start; at < start + distance; at += TLanes.Count)
                {
                    var u = TLanes.Load(at);
                    var v = TLanes.Load(at + distance);
                    InverseButterfly(ref u, ref v, root, p, inverse);
                    TLanes.Store(at, Reduce(count == 1 ? Product(u, scale, p, inverse) : u, p, inverse));
                    TLanes.Store(at + distance, Reduce(count == 1 ? Product(v, scale, p, inverse) : v, p, inverse));
                }
            }
        }
    }
}
