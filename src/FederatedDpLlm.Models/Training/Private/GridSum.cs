using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// A sum of vectors on the grid of 2^-20 of the clip norm, in integers: the order of additions and the number of threads change nothing, and exact discrete
/// noise is added in the same unit.
/// </summary>
internal sealed unsafe class GridSum
{
    /// <summary>The grid's step is 2^-20 of the clip norm.</summary>
    public const int GridBits = 20;

    private const int Lanes = 16;
    private readonly int[] _starts;
    private readonly long[] _values;

    public GridSum(IReadOnlyList<TensorShape> shapes)
    {
        _starts = new int[shapes.Count + 1];
        for (var tensor = 0; tensor < shapes.Count; tensor++)
        {
            _starts[tensor + 1] = _starts[tensor] + shapes[tensor].Elements;
        }

        _values = GC.AllocateArray<long>(_starts[^1], pinned: true);
    }

    public int Dimension => _values.Length;

    /// <summary>
    /// How far one clipped example moves the sum, in steps: the clip norm, half a step a coordinate for the rounding, and 2^-10 of the clip norm for what
    /// float32 rounds before that.
    /// </summary>
    public static double Sensitivity(int dimension) => (1 << GridBits) * (1 + 1.0 / 1024) + Math.Sqrt(dimension) / 2 + 1;

    /// <summary>All coordinates, tensor after tensor.</summary>
    public Span<long> Values => _values;

    /// <summary>Where a tensor's coordinates lie.</summary>
    public Range Of(int tensor) => _starts[tensor].._starts[tensor + 1];

    public void Clear() => Array.Clear(_values);

    /// <summary>Adds values times scale, each rounded to the nearest integer.</summary>
    /// <param name="tensor">Its index.</param>
    /// <param name="values">As many as the tensor has; their products are below 2^31.</param>
    /// <param name="scale">Steps per unit.</param>
    /// <returns>The squared norm of what was added, in steps.</returns>
    public double Add(int tensor, float* values, float scale)
    {
        unchecked
        {
            var squares = Vector512<double>.Zero;
            var tail = 0.0;
            var length = _starts[tensor + 1] - _starts[tensor];
            fixed (long* sum = _values)
            {
                var target = sum + _starts[tensor];
                var i = 0;
                for (; i + Lanes <= length; i += Lanes)
                {
                    var rounded = Vector512.Round(Vector512.Load(values + i) * scale);
                    var (low, high) = Vector512.Widen(Vector512.ConvertToInt32Native(rounded));
                    (Vector512.Load(target + i) + low).Store(target + i);
                    (Vector512.Load(target + i + 8) + high).Store(target + i + 8);
                    var (a, b) = Vector512.Widen(rounded);
                    squares += a * a + b * b;
                }

                for (; i < length; i++)
                {
                    var rounded = MathF.Round(values[i] * scale);
                    target[i] += (long)rounded;
                    tail += (double)rounded * rounded;
                }
            }

            return GhostNorm.Tree(squares) + tail;
        }
    }
}
