using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// Windows into one layer's tensors: a run of slices looks like a thinner model of the same width. Each tensor is read from its file once, and forgotten with this
/// object: a shard never holds more than its own slices and one layer in passing.
/// </summary>
internal sealed class LayerTensors(ModelConfiguration shape, ITensorSource source, int layer)
{
    private readonly Dictionary<string, float[]> _read = new(StringComparer.Ordinal);

    private ITensorSource Source => source;

    /// <summary>The thinner model's shape.</summary>
    public static ModelConfiguration Thin(ModelConfiguration shape, LayerPart part, SliceRun run) => part == LayerPart.Attention
        ? shape with
        {
            Heads = shape.Heads / shape.AttentionSlices * run.Length, KeyValueHeads = shape.KeyValueHeads / shape.AttentionSlices * run.Length,
        }
        : shape with { FeedForwardWidth = shape.FeedForwardWidth / shape.FeedForwardSlices * run.Length };

    public ITensorSource Window(LayerPart part, SliceRun run) => new SliceWindow(this, Windows(part, run));

    private Dictionary<string, TensorWindow> Windows(LayerPart part, SliceRun run)
    {
        var (width, query, keyValue, inner) = (shape.Width, shape.QueryWidth, shape.KeyValueWidth, shape.FeedForwardWidth);
        var windows = new Dictionary<string, TensorWindow>(StringComparer.Ordinal);
        if (part == LayerPart.FeedForward)
        {
            var first = inner / shape.FeedForwardSlices * run.First;
            windows[TensorNames.FeedForwardNorm(layer)] = new(1, width, 0, 0);
            windows[TensorNames.Gate(layer)] = new(inner, width, first, 0);
            windows[TensorNames.Up(layer)] = new(inner, width, first, 0);
            windows[TensorNames.Down(layer)] = new(width, inner, 0, first);
            return windows;
        }

        var (queryFirst, keyValueFirst) = (query / shape.AttentionSlices * run.First, keyValue / shape.AttentionSlices * run.First);
        windows[TensorNames.AttentionNorm(layer)] = new(1, width, 0, 0);
        windows[TensorNames.Query(layer)] = new(query, width, queryFirst, 0);
        windows[TensorNames.Key(layer)] = new(keyValue, width, keyValueFirst, 0);
        windows[TensorNames.Value(layer)] = new(keyValue, width, keyValueFirst, 0);
        windows[TensorNames.Output(layer)] = new(width, query, 0, queryFirst);
        if (shape.AttentionBias)
        {
            windows[TensorNames.Query(layer, "bias")] = new(1, query, 0, queryFirst);
            windows[TensorNames.Key(layer, "bias")] = new(1, keyValue, 0, keyValueFirst);
            windows[TensorNames.Value(layer, "bias")] = new(1, keyValue, 0, keyValueFirst);
        }

        if (shape.QueryKeyNorm)
        {
            windows[TensorNames.QueryNorm(layer)] = new(1, shape.HeadSize, 0, 0);
            windows[TensorNames.KeyNorm(layer)] = new(1, shape.HeadSize, 0, 0);
        }

        return windows;
    }

    private float[] Whole(string name, TensorWindow window)
    {
        if (!_read.TryGetValue(name, out var values))
        {
            values = new float[checked(window.AllRows * window.AllColumns)];
            source.Read(name, window.AllRows, window.AllColumns, values);
            _read[name] = values;
        }

        return values;
    }

    private readonly record struct TensorWindow(int AllRows, int AllColumns, int FirstRow, int FirstColumn);

    private sealed class SliceWindow(LayerTensors layer, Dictionary<string, TensorWindow> windows) : ITensorSource
    {
        public bool Contains(string name) => windows.ContainsKey(name);

        public ElementType TypeOf(string name) => layer.Source.TypeOf(name);

        public void Read(string name, int rows, int columns, Span<float> destination)
        {
            var window = windows[name];
            var whole = layer.Whole(name, window).AsSpan();
            for (var row = 0; row < rows; row++)
            {
                whole.Slice((window.FirstRow + row) * window.AllColumns + window.FirstColumn, columns).CopyTo(destination[(row * columns)..]);
            }
        }

        // A slice's columns are whole blocks wherever a tensor is kept as it is stored: PackedMatrix.Load sees to it.
        public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination)
        {
            var (window, type) = (windows[name], TypeOf(name));
            var (rowBytes, allBytes) = ((int)type.RowBytes(columns), (int)type.RowBytes(window.AllColumns));
            var count = destination.Length / rowBytes;
            var stored = new byte[checked(count * allBytes)];
            layer.Source.ReadStored(name, window.AllRows, window.AllColumns, window.FirstRow + firstRow, stored);
            var first = (int)type.RowBytes(window.FirstColumn);
            for (var row = 0; row < count; row++)
            {
                stored.AsSpan(row * allBytes + first, rowBytes).CopyTo(destination[(row * rowBytes)..]);
            }
        }
    }
}
