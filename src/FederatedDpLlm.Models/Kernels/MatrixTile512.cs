using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary><see cref="MatrixTile"/> in 512-bit registers: eight rows by 32 columns in sixteen accumulators, unrolled since registers have no index.</summary>
/// <remarks>Steps of b are in bytes where its rows are stored in another type.</remarks>
internal static unsafe class MatrixTile512
{
    public static void Multiply<TRow>(int rows, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            for (; rows >= 8; rows -= 8, a += 8 * aRow, c += 8 * cRow)
            {
                Tile8<TRow>(a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
            }

            for (; rows > 1; rows -= 4, a += 4 * aRow, c += 4 * cRow)
            {
                Tile4<TRow>(Math.Min(rows, 4), a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
            }

            if (rows == 1)
            {
                Tile1<TRow>(a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
            }
        }
    }

    /// <summary>The left half of a tile: 16 columns.</summary>
    public static void MultiplyHalf(int rows, float* a, nint aRow, nint aStep, float* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
    {
        unchecked
        {
            for (; rows >= 8; rows -= 8, a += 8 * aRow, c += 8 * cRow)
            {
                Half8(a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
            }

            for (; rows >= 1; rows -= 1, a += 1 * aRow, c += 1 * cRow)
            {
                var sum = accumulate ? Vector512.Load(c) : Vector512<float>.Zero;
                for (nint k = 0; k < depth; k++)
                {
                    sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[k * aStep]), Vector512.Load(b + k * bStep), sum);
                }

                sum.Store(c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Half8(float* a, nint aRow, nint aStep, float* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
    {
        unchecked
        {
            var a0 = a;
            var a1 = a0 + aRow;
            var a2 = a1 + aRow;
            var a3 = a2 + aRow;
            var a4 = a3 + aRow;
            var a5 = a4 + aRow;
            var a6 = a5 + aRow;
            var a7 = a6 + aRow;
            var s0 = accumulate ? Vector512.Load(c) : Vector512<float>.Zero;
            var s1 = accumulate ? Vector512.Load(c + cRow) : Vector512<float>.Zero;
            var s2 = accumulate ? Vector512.Load(c + 2 * cRow) : Vector512<float>.Zero;
            var s3 = accumulate ? Vector512.Load(c + 3 * cRow) : Vector512<float>.Zero;
            var s4 = accumulate ? Vector512.Load(c + 4 * cRow) : Vector512<float>.Zero;
            var s5 = accumulate ? Vector512.Load(c + 5 * cRow) : Vector512<float>.Zero;
            var s6 = accumulate ? Vector512.Load(c + 6 * cRow) : Vector512<float>.Zero;
            var s7 = accumulate ? Vector512.Load(c + 7 * cRow) : Vector512<float>.Zero;
            for (nint k = 0, at = 0; k < depth; k++, at += aStep, b += bStep)
            {
                var b0 = Vector512.Load(b);
                s0 = Vector512.FusedMultiplyAdd(Vector512.Create(a0[at]), b0, s0);
                s1 = Vector512.FusedMultiplyAdd(Vector512.Create(a1[at]), b0, s1);
                s2 = Vector512.FusedMultiplyAdd(Vector512.Create(a2[at]), b0, s2);
                s3 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[at]), b0, s3);
                s4 = Vector512.FusedMultiplyAdd(Vector512.Create(a4[at]), b0, s4);
                s5 = Vector512.FusedMultiplyAdd(Vector512.Create(a5[at]), b0, s5);
                s6 = Vector512.FusedMultiplyAdd(Vector512.Create(a6[at]), b0, s6);
                s7 = Vector512.FusedMultiplyAdd(Vector512.Create(a7[at]), b0, s7);
            }

            s0.Store(c);
            s1.Store(c + cRow);
            s2.Store(c + 2 * cRow);
            s3.Store(c + 3 * cRow);
            s4.Store(c + 4 * cRow);
            s5.Store(c + 5 * cRow);
            s6.Store(c + 6 * cRow);
            s7.Store(c + 7 * cRow);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8<TRow>(float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            var a0 = a;
            var a1 = a0 + aRow;
            var a2 = a1 + aRow;
            var a3 = a2 + aRow;
            var a4 = a3 + aRow;
            var a5 = a4 + aRow;
            var a6 = a5 + aRow;
            var a7 = a6 + aRow;
            var s00 = accumulate ? Vector512.Load(c) : Vector512<float>.Zero;
            var s01 = accumulate ? Vector512.Load(c + 16) : Vector512<float>.Zero;
            var s10 = accumulate ? Vector512.Load(c + cRow) : Vector512<float>.Zero;
            var s11 = accumulate ? Vector512.Load(c + cRow + 16) : Vector512<float>.Zero;
            var s20 = accumulate ? Vector512.Load(c + 2 * cRow) : Vector512<float>.Zero;
            var s21 = accumulate ? Vector512.Load(c + 2 * cRow + 16) : Vector512<float>.Zero;
            var s30 = accumulate ? Vector512.Load(c + 3 * cRow) : Vector512<float>.Zero;
            var s31 = accumulate ? Vector512.Load(c + 3 * cRow + 16) : Vector512<float>.Zero;
            var s40 = accumulate ? Vector512.Load(c + 4 * cRow) : Vector512<float>.Zero;
            var s41 = accumulate ? Vector512.Load(c + 4 * cRow + 16) : Vector512<float>.Zero;
            var s50 = accumulate ? Vector512.Load(c + 5 * cRow) : Vector512<float>.Zero;
            var s51 = accumulate ? Vector512.Load(c + 5 * cRow + 16) : Vector512<float>.Zero;
            var s60 = accumulate ? Vector512.Load(c + 6 * cRow) : Vector512<float>.Zero;
            var s61 = accumulate ? Vector512.Load(c + 6 * cRow + 16) : Vector512<float>.Zero;
            var s70 = accumulate ? Vector512.Load(c + 7 * cRow) : Vector512<float>.Zero;
            var s71 = accumulate ? Vector512.Load(c + 7 * cRow + 16) : Vector512<float>.Zero;
            for (nint k = 0, at = 0; k < depth; k++, at += aStep, b += bStep)
            {
                var b0 = TRow.Low(b);
                var b1 = TRow.High(b);
                var x0 = Vector512.Create(a0[at]);
                s00 = Vector512.FusedMultiplyAdd(x0, b0, s00);
                s01 = Vector512.FusedMultiplyAdd(x0, b1, s01);
                var x1 = Vector512.Create(a1[at]);
                s10 = Vector512.FusedMultiplyAdd(x1, b0, s10);
                s11 = Vector512.FusedMultiplyAdd(x1, b1, s11);
                var x2 = Vector512.Create(a2[at]);
                s20 = Vector512.FusedMultiplyAdd(x2, b0, s20);
                s21 = Vector512.FusedMultiplyAdd(x2, b1, s21);
                var x3 = Vector512.Create(a3[at]);
                s30 = Vector512.FusedMultiplyAdd(x3, b0, s30);
                s31 = Vector512.FusedMultiplyAdd(x3, b1, s31);
                var x4 = Vector512.Create(a4[at]);
                s40 = Vector512.FusedMultiplyAdd(x4, b0, s40);
                s41 = Vector512.FusedMultiplyAdd(x4, b1, s41);
                var x5 = Vector512.Create(a5[at]);
                s50 = Vector512.FusedMultiplyAdd(x5, b0, s50);
                s51 = Vector512.FusedMultiplyAdd(x5, b1, s51);
                var x6 = Vector512.Create(a6[at]);
                s60 = Vector512.FusedMultiplyAdd(x6, b0, s60);
                s61 = Vector512.FusedMultiplyAdd(x6, b1, s61);
                var x7 = Vector512.Create(a7[at]);
                s70 = Vector512.FusedMultiplyAdd(x7, b0, s70);
                s71 = Vector512.FusedMultiplyAdd(x7, b1, s71);
            }

            s00.Store(c);
            s01.Store(c + 16);
            s10.Store(c + cRow);
            s11.Store(c + cRow + 16);
            s20.Store(c + 2 * cRow);
            s21.Store(c + 2 * cRow + 16);
            s30.Store(c + 3 * cRow);
            s31.Store(c + 3 * cRow + 16);
            s40.Store(c + 4 * cRow);
            s41.Store(c + 4 * cRow + 16);
            s50.Store(c + 5 * cRow);
            s51.Store(c + 5 * cRow + 16);
            s60.Store(c + 6 * cRow);
            s61.Store(c + 6 * cRow + 16);
            s70.Store(c + 7 * cRow);
            s71.Store(c + 7 * cRow + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4<TRow>(int rows, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            // Of two or three rows the last is computed, and written, more than once: it has the same bits each time.
            var (third, fourth) = ((nint)Math.Min(2, rows - 1), (nint)rows - 1);
            var a0 = a;
            var a1 = a + aRow;
            var a2 = a + third * aRow;
            var a3 = a + fourth * aRow;
            var c1 = c + cRow;
            var c2 = c + third * cRow;
            var c3 = c + fourth * cRow;
            var s00 = accumulate ? Vector512.Load(c) : Vector512<float>.Zero;
            var s01 = accumulate ? Vector512.Load(c + 16) : Vector512<float>.Zero;
            var s10 = accumulate ? Vector512.Load(c1) : Vector512<float>.Zero;
            var s11 = accumulate ? Vector512.Load(c1 + 16) : Vector512<float>.Zero;
            var s20 = accumulate ? Vector512.Load(c2) : Vector512<float>.Zero;
            var s21 = accumulate ? Vector512.Load(c2 + 16) : Vector512<float>.Zero;
            var s30 = accumulate ? Vector512.Load(c3) : Vector512<float>.Zero;
            var s31 = accumulate ? Vector512.Load(c3 + 16) : Vector512<float>.Zero;
            for (nint k = 0, at = 0; k < depth; k++, at += aStep, b += bStep)
            {
                var b0 = TRow.Low(b);
                var b1 = TRow.High(b);
                var x0 = Vector512.Create(a0[at]);
                s00 = Vector512.FusedMultiplyAdd(x0, b0, s00);
                s01 = Vector512.FusedMultiplyAdd(x0, b1, s01);
                var x1 = Vector512.Create(a1[at]);
                s10 = Vector512.FusedMultiplyAdd(x1, b0, s10);
                s11 = Vector512.FusedMultiplyAdd(x1, b1, s11);
                var x2 = Vector512.Create(a2[at]);
                s20 = Vector512.FusedMultiplyAdd(x2, b0, s20);
                s21 = Vector512.FusedMultiplyAdd(x2, b1, s21);
                var x3 = Vector512.Create(a3[at]);
                s30 = Vector512.FusedMultiplyAdd(x3, b0, s30);
                s31 = Vector512.FusedMultiplyAdd(x3, b1, s31);
            }

            s00.Store(c);
            s01.Store(c + 16);
            s10.Store(c1);
            s11.Store(c1 + 16);
            s20.Store(c2);
            s21.Store(c2 + 16);
            s30.Store(c3);
            s31.Store(c3 + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1<TRow>(float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            var a0 = a;
            var s00 = accumulate ? Vector512.Load(c) : Vector512<float>.Zero;
            var s01 = accumulate ? Vector512.Load(c + 16) : Vector512<float>.Zero;
            for (nint k = 0, at = 0; k < depth; k++, at += aStep, b += bStep)
            {
                var b0 = TRow.Low(b);
                var b1 = TRow.High(b);
                var x0 = Vector512.Create(a0[at]);
                s00 = Vector512.FusedMultiplyAdd(x0, b0, s00);
                s01 = Vector512.FusedMultiplyAdd(x0, b1, s01);
            }

            s00.Store(c);
            s01.Store(c + 16);
        }
    }
}
