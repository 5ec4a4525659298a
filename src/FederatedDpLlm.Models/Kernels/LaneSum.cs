using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Sums along a vector (norms, softmax): sixteen lanes, element i in lane i mod 16 in index order, then a fixed binary tree over the lanes.
/// Sixteen is part of the definition, not of the machine.
/// </summary>
internal static unsafe class LaneSum
{
    private const int Lanes = 16;

    /// <summary>The sum of values.</summary>
    public static float Of(float* values, int length)
    {
        unchecked
        {
            var lanes = Vector512<float>.Zero;
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                lanes += Vector512.Load(values + i);
            }

            return Tree(lanes + Tail(values + i, length - i));
        }
    }

    /// <summary>The sum of a * b.</summary>
    public static float OfProducts(float* a, float* b, int length)
    {
        unchecked
        {
            var lanes = Vector512<float>.Zero;
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                lanes = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), lanes);
            }

            return Tree(Vector512.FusedMultiplyAdd(Tail(a + i, length - i), Tail(b + i, length - i), lanes));
        }
    }

    /// <summary>The sum of a * b where both can be read to the end of a register: the same bits.</summary>
    public static float OfPaddedProducts(float* a, float* b, int length)
    {
        unchecked
        {
            var lanes = Vector512<float>.Zero;
            for (var i = 0; i < length; i += Lanes)
            {
                lanes = Vector512.FusedMultiplyAdd(
                    LaneMask.First(length - i, Vector512.Load(a + i), Vector512<float>.Zero), LaneMask.First(length - i, Vector512.Load(b + i), Vector512<float>.Zero), lanes);
            }

            return Tree(lanes + Vector512<float>.Zero);
        }
    }

    /// <summary>The fixed tree over the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Tree(Vector512<float> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }

    // Lanes beyond the end add zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Tail(float* values, int count) => count == 0 ? Vector512<float>.Zero : Padded(values, count);

    private static Vector512<float> Padded(float* values, int count)
    {
        var padded = stackalloc float[Lanes];
        for (var i = 0; i < count; i++)
        {
            padded[i] = values[i];
        }

        return Vector512.Load(padded);
    }
}
