using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>The end of a vector in a whole register: where memory goes on behind it, a mask takes the place of a loop over single elements.</summary>
internal static class LaneMask
{
    private static readonly Vector512<int> Places = Vector512<int>.Indices;

    /// <summary>The first <paramref name="count"/> lanes (all, where there are fewer) of one register, the others of another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> First(int count, Vector512<float> values, Vector512<float> others) =>
        Vector512.ConditionalSelect(Vector512.LessThan(Places, Vector512.Create(count)).AsSingle(), values, others);
}
