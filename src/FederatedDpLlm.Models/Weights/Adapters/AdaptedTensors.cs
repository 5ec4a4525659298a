namespace FederatedDpLlm.Models.Weights.Adapters;

/// <summary>A model's tensors with an adapter merged in; the changed matrices become floats, the others stay as they are stored.</summary>
internal sealed class AdaptedTensors : ITensorSource
{
    private readonly ITensorSource _inner;
    private readonly Dictionary<string, LoraModule> _modules;
    private readonly float _scale;

    /// <exception cref="ModelFormatException">The adapter changes a matrix that the model lacks.</exception>
    public AdaptedTensors(ITensorSource inner, LoraAdapter adapter)
    {
        (_inner, _scale) = (inner, (float)(adapter.Alpha / adapter.Rank));
        _modules = adapter.Modules.ToDictionary(module => module.Matrix, StringComparer.Ordinal);
        if (_modules.Keys.FirstOrDefault(name => !inner.Contains(name)) is { } missing)
        {
            throw new ModelFormatException($"The adapter changes '{missing}', which the model lacks.");
        }
    }

    public bool Contains(string name) => _inner.Contains(name);

    public ElementType TypeOf(string name) => _modules.ContainsKey(name) ? ElementType.Float32 : _inner.TypeOf(name);

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        _inner.Read(name, rows, columns, destination);
        if (!_modules.TryGetValue(name, out var module))
        {
            return;
        }

        if (module.Outputs != rows || module.Inputs != columns)
        {
            throw new ModelFormatException($"The adapter's factors of '{name}' make a [{module.Outputs}, {module.Inputs}] matrix, the model has [{rows}, {columns}].");
        }

        var rank = module.B.Length / rows;
        for (var row = 0; row < rows; row++)
        {
            var target = destination.Slice(row * columns, columns);
            for (var k = 0; k < rank; k++)
            {
                var factor = _scale * module.B[row * rank + k];
                for (var column = 0; column < columns; column++)
                {
                    target[column] = MathF.FusedMultiplyAdd(factor, module.A[k * columns + column], target[column]);
                }
            }
        }
    }

    public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination) => _inner.ReadStored(name, rows, columns, firstRow, destination);
}
