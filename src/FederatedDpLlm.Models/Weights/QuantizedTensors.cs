namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// The tensors of another source with its matrices narrowed to one type; vectors stay floats, and so do matrices whose rows are no whole number of blocks.
/// </summary>
/// <param name="inner">Where the tensors come from.</param>
/// <param name="type">Float32, Float16, BFloat16, Q8_0 or Q4_0.</param>
internal sealed class QuantizedTensors(ITensorSource inner, ElementType type) : ITensorSource
{
    private (string Name, float[] Values)? _last;

    public bool Contains(string name) => inner.Contains(name);

    public ElementType TypeOf(string name) => type;

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        inner.Read(name, rows, columns, destination);
        if (StoredAs(rows, columns) is var stored && stored != ElementType.Float32)
        {
            var bytes = new byte[stored.RowBytes(columns)];
            for (var row = 0; row < rows; row++)
            {
                var values = destination.Slice(row * columns, columns);
                ElementConversion.Narrow(values, stored, bytes);
                ElementConversion.Widen(bytes, stored, values);
            }
        }
    }

    public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination)
    {
        // Asked for a panel of rows at a time: the tensor is read once.
        if (_last is not { } last || last.Name != name)
        {
            last = (name, new float[checked(rows * columns)]);
            inner.Read(name, rows, columns, last.Values);
            _last = last;
        }

        var count = (int)(destination.Length / type.RowBytes(columns));
        ElementConversion.Narrow(last.Values.AsSpan(firstRow * columns, count * columns), type, destination);
    }

    private ElementType StoredAs(int rows, int columns) =>
        rows == 1 || columns % type.BlockElements() != 0 ? ElementType.Float32 : type;
}
