using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// A sum of vectors on the grid of 2^-20 of the clip norm, in integers: the order of additions and the number of threads change nothing, and exact discrete
/// noise is added in the same unit. Up to 1,024 examples are added up in 32 bits before they go to the sum in 64, which is half the memory to pass through for each.
/// </summary>
internal sealed unsafe class GridSum
{
    /// <summary>The grid's step is 2^-20 of the clip norm.</summary>
    public const int GridBits = 20;

    private const int Lanes = 16;
    private readonly int[] _starts;
    private readonly long[] _values;

    // A clipped example moves a coordinate by at most 2^20 and a little: so many of them stay below 2^31. Of one that moves it further the sum may be wrong, but its
    // squared norm, counted apart, is not.
    private const int MostRecent = 1024;
    private readonly int[] _recent;
    private int _examples;

    public GridSum(IReadOnlyList<TensorShape> shapes)
    {
        _starts = new int[shapes.Count + 1];
        for (var tensor = 0; tensor < shapes.Count; tensor++)
        {
            _starts[tensor + 1] = _starts[tensor] + shapes[tensor].Elements;
        }

        _values = GC.AllocateArray<long>(_starts[^1], pinned: true);
        _recent = GC.AllocateArray<int>(_starts[^1], pinned: true);
    }

    public int Dimension => _values.Length;

    /// <summary>
    /// How far one clipped example moves the sum, in steps: the clip norm, half a step a coordinate for the rounding, and 2^-10 of the clip norm for what
    /// float32 rounds before that.
    /// </summary>
    public static double Sensitivity(int dimension) => (1 << GridBits) * (1 + 1.0 / 1024) + Math.Sqrt(dimension) / 2 + 1;

    /// <summary>All coordinates, tensor after tensor.</summary>
    /// <exception cref="InvalidOperationException">The last examples are not settled.</exception>
    public Span<long> Values => _examples == 0 ? _values : throw new InvalidOperationException("The last examples are not settled.");

    /// <summary>Where a tensor's coordinates lie.</summary>
    public Range Of(int tensor) => _starts[tensor].._starts[tensor + 1];

    public void Clear()
    {
        Array.Clear(_values);
        Array.Clear(_recent);
        _examples = 0;
    }

    /// <summary>Another example begins.</summary>
    public void Begin()
    {
        if (_examples == MostRecent)
        {
            Settle();
        }

        _examples++;
    }

    /// <summary>Takes the last examples into the sum.</summary>
    public void Settle()
    {
        unchecked
        {
            fixed (int* recent = _recent)
            fixed (long* sum = _values)
            {
                var i = 0;
                for (; i + Lanes <= _recent.Length; i += Lanes)
                {
                    var (low, high) = Vector512.Widen(Vector512.Load(recent + i));
                    (Vector512.Load(sum + i) + low).Store(sum + i);
                    (Vector512.Load(sum + i + Lanes / 2) + high).Store(sum + i + Lanes / 2);
                }

                for (; i < _recent.Length; i++)
                {
                    sum[i] += recent[i];
                }
            }

            Array.Clear(_recent);
            _examples = 0;
        }
    }

    /// <summary>Adds values of the example that has begun, times scale, each rounded to the nearest integer.</summary>
    /// <param name="tensor">Its index.</param>
    /// <param name="values">As many as the tensor has; their products are below 2^31.</param>
    /// <param name="scale">Steps per unit.</param>
    /// <returns>The squared norm of what was added, in steps; not a number where a value is none.</returns>
    /// <exception cref="InvalidOperationException">No example has begun.</exception>
    public double Add(int tensor, float* values, float scale)
    {
        unchecked
        {
            if (_examples == 0)
            {
                throw new InvalidOperationException("No example has begun.");
            }

            var squares = Vector512<double>.Zero;
            var tail = 0.0;
            var length = _starts[tensor + 1] - _starts[tensor];
            fixed (int* sum = _recent)
            {
                var target = sum + _starts[tensor];
                var i = 0;
                for (; i + Lanes <= length; i += Lanes)
                {
                    var rounded = Vector512.Round(Vector512.Load(values + i) * scale);
                    (Vector512.Load(target + i) + Vector512.ConvertToInt32Native(rounded)).Store(target + i);
                    var (a, b) = Vector512.Widen(rounded);
                    squares += a * a + b * b;
                }

                for (; i < length; i++)
                {
                    var rounded = MathF.Round(values[i] * scale);
                    target[i] += (int)rounded;
                    tail += (double)rounded * rounded;
                }
            }

            return GhostNorm.Tree(squares) + tail;
        }
    }
}
