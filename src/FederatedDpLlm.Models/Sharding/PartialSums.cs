using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>Puts the sums that shards computed at their nodes of the reduction tree and adds them up in its order. Used again for every step.</summary>
internal sealed unsafe class PartialSums
{
    private float[] _sums = [];
    private bool[] _placed = [];
    private int _size;

    /// <param name="slices">Leaves of the tree.</param>
    /// <param name="size">Floats of one sum.</param>
    public void Begin(int slices, int size)
    {
        if (_sums.Length < slices * size || _placed.Length != slices)
        {
            (_sums, _placed) = (new float[slices * size], new bool[slices]);
        }

        Array.Clear(_placed);
        _size = size;
    }

    /// <param name="nodes">Which nodes.</param>
    /// <param name="values">Their sums, one after the other.</param>
    public void Place(IReadOnlyList<SliceRun> nodes, ReadOnlySpan<float> values)
    {
        for (var index = 0; index < nodes.Count; index++)
        {
            var slice = nodes[index].First;
            values.Slice(index * _size, _size).CopyTo(_sums.AsSpan(slice * _size));
            _placed[slice] = true;
        }
    }

    /// <summary>Adds the whole sum to the stream. Inside a node that one shard computed there is nothing left to add.</summary>
    public void AddTo(Span<float> stream)
    {
        fixed (float* sums = _sums)
        fixed (float* to = stream)
        {
            for (var distance = 1; distance < _placed.Length; distance *= 2)
            {
                for (var slice = 0; slice + distance < _placed.Length; slice += 2 * distance)
                {
                    if (_placed[slice + distance])
                    {
                        Elementwise.Add(sums + (nint)slice * _size, sums + (nint)(slice + distance) * _size, _size);
                    }
                }
            }

            Elementwise.Add(to, sums, _size);
        }
    }
}
