using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary><see cref="MatrixTile"/> in 256-bit registers: four rows by half a tile (16 columns) in eight accumulators.</summary>
/// <remarks>Steps of b are in bytes.</remarks>
internal static unsafe class MatrixTile256
{
    public static void Multiply<TRow>(int rows, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        Half<TRow>(0, rows, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
        Half<TRow>(1, rows, a, aRow, aStep, b, bStep, depth, c + MatrixTile.Columns / 2, cRow, accumulate);
    }

    /// <summary>The left half of a tile: 16 columns.</summary>
    public static void MultiplyHalf(int rows, float* a, nint aRow, nint aStep, float* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate) =>
        Half<Float32Row>(0, rows, a, aRow, aStep, (byte*)b, bStep * sizeof(float), depth, c, cRow, accumulate);

    private static void Half<TRow>(int half, int rows, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            for (; rows >= 4; rows -= 4, a += 4 * aRow, c += 4 * cRow)
            {
                Tile4<TRow>(half, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
            }

            for (; rows >= 1; rows -= 1, a += 1 * aRow, c += 1 * cRow)
            {
                Tile1<TRow>(half, a, aRow, aStep, b, bStep, depth, c, cRow, accumulate);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4<TRow>(int half, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            var a0 = a;
            var a1 = a0 + aRow;
            var a2 = a1 + aRow;
            var a3 = a2 + aRow;
            var s00 = accumulate ? Vector256.Load(c) : Vector256<float>.Zero;
            var s01 = accumulate ? Vector256.Load(c + 8) : Vector256<float>.Zero;
            var s10 = accumulate ? Vector256.Load(c + cRow) : Vector256<float>.Zero;
            var s11 = accumulate ? Vector256.Load(c + cRow + 8) : Vector256<float>.Zero;
            var s20 = accumulate ? Vector256.Load(c + 2 * cRow) : Vector256<float>.Zero;
            var s21 = accumulate ? Vector256.Load(c + 2 * cRow + 8) : Vector256<float>.Zero;
            var s30 = accumulate ? Vector256.Load(c + 3 * cRow) : Vector256<float>.Zero;
            var s31 = accumulate ? Vector256.Load(c + 3 * cRow + 8) : Vector256<float>.Zero;
            for (nint k = 0, at = 0; k < depth; k++, at += aStep, b += bStep)
            {
                var b0 = TRow.Quarter(b, 2 * half);
                var b1 = TRow.Quarter(b, 2 * half + 1);
                var x0 = Vector256.Create(a0[at]);
                s00 = Vector256.FusedMultiplyAdd(x0, b0, s00);
                s01 = Vector256.FusedMultiplyAdd(x0, b1, s01);
                var x1 = Vector256.Create(a1[at]);
                s10 = Vector256.FusedMultiplyAdd(x1, b0, s10);
                s11 = Vector256.FusedMultiplyAdd(x1, b1, s11);
                var x2 = Vector256.Create(a2[at]);
                s20 = Vector256.FusedMultiplyAdd(x2, b0, s20);
                s21 = Vector256.FusedMultiplyAdd(x2, b1, s21);
                var x3 = Vector256.Create(a3[at]);
                s30 = Vector256.FusedMultiplyAdd(x3, b0, s30);
                s31 = Vector256.FusedMultiplyAdd(x3, b1, s31);
            }

            s00.Store(c);
            s01.Store(c + 8);
            s10.Store(c + cRow);
            s11.Store(c + cRow + 8);
            s20.Store(c + 2 * cRow);
            s21.Store(c + 2 * cRow + 8);
            s30.Store(c + 3 * cRow);
            s31.Store(c + 3 * cRow + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1<TRow>(int half, float* a, nint aRow, nint aStep, byte* b, nint bStep, nint depth, float* c, nint cRow, bool accumulate)
        where TRow : struct, IPanelRow
    {
        unchecked
        {
            var a0 = a;
            var s00 = accumulate ? Vector256.Load(c) : Vector256<float>.Zero;
            var s01 = accumulate ? Vector256.Load(c + 8) : Vector256<float>.Zero;
            for (nint k = 0, at = 0; k < depth; k++, at += aStep, b += bStep)
            {
                var b0 = TRow.Quarter(b, 2 * half);
                var b1 = TRow.Quarter(b, 2 * half + 1);
                var x0 = Vector256.Create(a0[at]);
                s00 = Vector256.FusedMultiplyAdd(x0, b0, s00);
                s01 = Vector256.FusedMultiplyAdd(x0, b1, s01);
            }

            s00.Store(c);
            s01.Store(c + 8);
        }
    }
}
