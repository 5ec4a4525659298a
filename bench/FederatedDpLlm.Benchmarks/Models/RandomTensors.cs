using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>A table of uniform numbers from -1/16 to 1/16, read from another place for every tensor: good for timing, good for nothing else. Vectors are ones.</summary>
internal sealed class RandomTensors : ITensorSource
{
    private const int TableSize = (1 << 20) + 7;
    private readonly float[] _table = new float[TableSize];

    public RandomTensors()
    {
        var state = 1u;
        for (var i = 0; i < TableSize; i++)
        {
            state = unchecked(state * 1664525 + 1013904223);
            _table[i] = ((state >> 8) / (float)(1 << 23) - 1) / 16;
        }
    }

    public bool Contains(string name) => true;

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        if (rows == 1)
        {
            destination.Fill(1);
            return;
        }

        var at = name.Length * 997 % TableSize;
        while (destination.Length > 0)
        {
            var count = Math.Min(destination.Length, TableSize - at);
            _table.AsSpan(at, count).CopyTo(destination);
            destination = destination[count..];
            at = 0;
        }
    }
}
