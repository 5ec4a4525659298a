using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Weights;

/// <summary>All parameters of a model in plain memory, in one fixed order: what training changes and what writers write.</summary>
internal sealed class TensorSet : ITensorSource
{
    private readonly Dictionary<string, FloatBuffer> _values;
    private readonly Dictionary<string, TensorShape> _shapes;

    private TensorSet(IReadOnlyList<TensorShape> shapes)
    {
        Shapes = shapes;
        _shapes = shapes.ToDictionary(shape => shape.Name, StringComparer.Ordinal);
        _values = shapes.ToDictionary(shape => shape.Name, shape => new FloatBuffer(shape.Elements), StringComparer.Ordinal);
    }

    public IReadOnlyList<TensorShape> Shapes { get; }

    public long Elements => Shapes.Sum(shape => (long)shape.Elements);

    public FloatBuffer this[string name] => _values[name];

    /// <summary>Zeros in the shapes of a model.</summary>
    public static TensorSet Zeros(ModelConfiguration configuration) => new([.. TensorShape.Of(configuration)]);

    /// <summary>Zeros in any shapes.</summary>
    public static TensorSet Zeros(IReadOnlyList<TensorShape> shapes) => new(shapes);

    /// <summary>A copy of a model's tensors from a file.</summary>
    public static TensorSet Read(ModelConfiguration configuration, ITensorSource source)
    {
        var set = Zeros(configuration);
        foreach (var shape in set.Shapes)
        {
            source.Read(shape.Name, shape.Rows, shape.Columns, set[shape.Name].Span);
        }

        return set;
    }

    public TensorShape ShapeOf(string name) =>
        _shapes.TryGetValue(name, out var shape) ? shape : throw new ModelFormatException($"The tensor '{name}' is missing.");

    public bool Contains(string name) => _values.ContainsKey(name);

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        var shape = ShapeOf(name);
        if (shape.Rows != rows || shape.Columns != columns)
        {
            throw new ModelFormatException($"The tensor '{name}' has another shape.");
        }

        _values[name].Span.CopyTo(destination);
    }

    /// <summary>Into a set of the same shapes.</summary>
    public void CopyTo(TensorSet other)
    {
        foreach (var shape in Shapes)
        {
            this[shape.Name].Span.CopyTo(other[shape.Name].Span);
        }
    }

    public void Clear()
    {
        foreach (var values in _values.Values)
        {
            values.Span.Clear();
        }
    }

    /// <summary>Adds sets of the same shapes to the first one, in their order.</summary>
    /// <returns>The sum of all squares of what the first one holds then, tensor after tensor.</returns>
    public static double Sum(IReadOnlyList<TensorSet> sets, int threads)
    {
        var (sum, squares) = (sets[0], new double[sets[0].Shapes.Count]);
        Parallel.For(0, squares.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, tensor => squares[tensor] = Sum(sets, sum.Shapes[tensor]));
        return squares.Aggregate(0.0, (total, square) => total + square);
    }

    private static unsafe double Sum(IReadOnlyList<TensorSet> sets, TensorShape shape)
    {
        var sum = sets[0][shape.Name].Pointer;
        for (var set = 1; set < sets.Count; set++)
        {
            Elementwise.Add(sum, sets[set][shape.Name].Pointer, shape.Elements);
        }

        return LaneSum.OfProducts(sum, sum, shape.Elements);
    }

    public IReadOnlyList<NamedTensor> ToList() => [.. Shapes.Select(shape => new NamedTensor(shape.Name, shape.Dimensions, _values[shape.Name].Memory))];
}
