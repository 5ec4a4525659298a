namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// The one order in which partial sums of canonical slices are added: neighbours first, then neighbouring pairs, and so on: ((0+1)+(2+3))+((4+5)+(6+7)).
/// A run of slices that starts at a multiple of its power-of-two length is a node of the tree, so whoever holds it sends one sum for all of it, and
/// the bits do not depend on who holds what (the idea of tree-based invariant kernels, arXiv 2511.17826).
/// </summary>
internal static unsafe class ReductionTree
{
    /// <summary>Adds <paramref name="count"/> vectors of <paramref name="size"/> floats that lie one after the other into the first.</summary>
    public static void Combine(float* partials, int count, int size)
    {
        for (var distance = 1; distance < count; distance *= 2)
        {
            for (var slice = 0; slice + distance < count; slice += 2 * distance)
            {
                Elementwise.Add(partials + (nint)slice * size, partials + (nint)(slice + distance) * size, size);
            }
        }
    }
}
