using System.Runtime.CompilerServices;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

// From values to coefficients: the same stages undone, the last ones first.
internal sealed unsafe partial class RingArithmetic<TLanes, TVector>
{
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InverseButterfly(ref TVector u, ref TVector v, TVector root, TVector p, TVector inverse)
    {
        var difference = TLanes.Subtract(u, v);
        u = TLanes.Add(u, v);
        v = Product(difference, root, p, inverse);
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
