using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>Puts the sums that shards computed at their nodes of the reduction tree and adds them up in its order.</summary>
internal sealed unsafe class PartialSums
{
    private readonly float[]?[] _nodes;
    private readonly int _size;

    public PartialSums(int slices, int size) => (_nodes, _size) = (new float[slices][], size);

    /// <param name="nodes">Which nodes.</param>
    /// <param name="values">Their sums, one after the other.</param>
    public void Place(IReadOnlyList<SliceRun> nodes, ReadOnlySpan<float> values)
    {
        for (var index = 0; index < nodes.Count; index++)
        {
            _nodes[nodes[index].First] = values.Slice(index * _size, _size).ToArray();
        }
    }

    /// <summary>Adds the whole sum to the stream. Inside a node that one shard computed there is nothing left to add.</summary>
    public void AddTo(float[] stream)
    {
        for (var distance = 1; distance < _nodes.Length; distance *= 2)
        {
            for (var slice = 0; slice + distance < _nodes.Length; slice += 2 * distance)
            {
                if (_nodes[slice + distance] is { } right)
                {
                    Add(_nodes[slice]!, right);
                }
            }
        }

        Add(stream, _nodes[0]!);
    }

    private void Add(float[] target, float[] source)
    {
        fixed (float* to = target)
        fixed (float* from = source)
        {
            Elementwise.Add(to, from, _size);
        }
    }
}
