namespace FederatedDpLlm.Models.Sharding;

/// <summary>Consecutive canonical slices of one part of a layer.</summary>
/// <param name="First">The first slice.</param>
/// <param name="End">The slice after the last; equal to <paramref name="First"/> where there is none.</param>
public readonly record struct SliceRun(int First, int End)
{
    /// <summary>No slice.</summary>
    public static SliceRun None => default;

    /// <summary>The number of slices.</summary>
    public int Length => End - First;

    /// <summary>All slices.</summary>
    public static SliceRun All(int slices) => new(0, slices);

    /// <summary>
    /// The fewest nodes of the reduction tree over <paramref name="total"/> slices that make up the run: each is one sum that a shard computes alone.
    /// At most two nodes a level, so at most 2 log2(total).
    /// </summary>
    internal IEnumerable<SliceRun> Nodes(int total)
    {
        for (var at = First; at < End;)
        {
            var size = 1;
            while (at % (2 * size) == 0 && Math.Min(at + 2 * size, total) <= End && at + size < total)
            {
                size *= 2;
            }

            var end = Math.Min(at + size, total);
            yield return new SliceRun(at, end);
            at = end;
        }
    }
}
