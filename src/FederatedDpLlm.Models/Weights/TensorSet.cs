using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Weights;

/// <summary>All parameters of a model in plain memory, in one fixed order: what training changes and what writers write.</summary>
internal sealed class TensorSet : ITensorSource
{
    private readonly Dictionary<string, float[]> _values;

    private TensorSet(IReadOnlyList<TensorShape> shapes)
    {
        Shapes = shapes;
        _values = shapes.ToDictionary(shape => shape.Name, shape => new float[shape.Elements], StringComparer.Ordinal);
    }

    public IReadOnlyList<TensorShape> Shapes { get; }

    public long Elements => Shapes.Sum(shape => (long)shape.Elements);

    public float[] this[string name] => _values[name];

    /// <summary>Zeros in the shapes of a model.</summary>
    public static TensorSet Zeros(ModelConfiguration configuration) => new([.. TensorShape.Of(configuration)]);

    /// <summary>A copy of a model's tensors from a file.</summary>
    public static TensorSet Read(ModelConfiguration configuration, ITensorSource source)
    {
        var set = Zeros(configuration);
        foreach (var shape in set.Shapes)
        {
            source.Read(shape.Name, shape.Rows, shape.Columns, set[shape.Name]);
        }

        return set;
    }

    public bool Contains(string name) => _values.ContainsKey(name);

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        var shape = Shapes.FirstOrDefault(one => one.Name == name) ?? throw new ModelFormatException($"The tensor '{name}' is missing.");
        if (shape.Rows != rows || shape.Columns != columns)
        {
            throw new ModelFormatException($"The tensor '{name}' has another shape.");
        }

        _values[name].CopyTo(destination);
    }

    public IReadOnlyList<NamedTensor> ToList() => [.. Shapes.Select(shape => new NamedTensor(shape.Name, shape.Dimensions, _values[shape.Name]))];
}
