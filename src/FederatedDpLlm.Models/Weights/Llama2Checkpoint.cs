using System.Runtime.InteropServices;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// A llama2.c checkpoint, version 0: seven little-endian ints (dim, hidden, layers, heads, key-value heads, vocabulary, context; a negative vocabulary means
/// an untied head), then float32 tensors in a fixed order, rotary pairs adjacent. Reference: karpathy/llama2.c, export.py legacy_export and run.c.
/// </summary>
internal sealed class Llama2Checkpoint : ITensorSource
{
    private const int HeaderInts = 7;
    private readonly byte[] _bytes;
    private readonly Dictionary<string, (long Start, int Elements)> _places = new(StringComparer.Ordinal);

    private Llama2Checkpoint(byte[] bytes, ModelConfiguration configuration)
    {
        _bytes = bytes;
        Configuration = configuration;

        // Before anything of the header's size is laid out.
        if (configuration.Parameters * sizeof(float) > bytes.Length || Place(configuration) > bytes.Length)
        {
            throw new ModelFormatException($"The llama2.c checkpoint has {bytes.Length} bytes, its header asks for more.");
        }
    }

    public ModelConfiguration Configuration { get; }

    /// <exception cref="ModelFormatException">The header does not fit the file.</exception>
    public static Llama2Checkpoint Open(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < HeaderInts * sizeof(int))
        {
            throw new ModelFormatException("The llama2.c checkpoint ends within its header.");
        }

        var header = MemoryMarshal.Cast<byte, int>(bytes.AsSpan(0, HeaderInts * sizeof(int)));
        if (header[5] == int.MinValue || header[3] <= 0)
        {
            throw new ModelFormatException("The llama2.c checkpoint's header is impossible.");
        }

        var configuration = new ModelConfiguration
        {
            Width = header[0],
            FeedForwardWidth = header[1],
            Layers = header[2],
            Heads = header[3],
            KeyValueHeads = header[4],
            HeadSize = header[0] / header[3],
            Vocabulary = Math.Abs(header[5]),
            Context = header[6],
            TiedHead = header[5] > 0,
            NormEpsilon = 1e-5,
            RotaryTheta = 10_000,
            BeginToken = 1,
            EndTokens = [2],
        }.Checked();
        return new Llama2Checkpoint(bytes, configuration);
    }

    public bool Contains(string name) => _places.ContainsKey(name);

    public void Read(string name, int rows, int columns, Span<float> destination)
    {
        if (!_places.TryGetValue(name, out var place) || place.Elements != (long)rows * columns)
        {
            throw new ModelFormatException($"The tensor '{name}' is missing or has another shape.");
        }

        ElementConversion.Widen(_bytes.AsSpan(checked((int)place.Start), place.Elements * sizeof(float)), ElementType.Float32, destination);
        if (name.EndsWith("q_proj.weight", StringComparison.Ordinal) || name.EndsWith("k_proj.weight", StringComparison.Ordinal))
        {
            RotaryLayout.ToHalfSplit(destination, Configuration.HeadSize, columns);
        }
    }

    // Tensors of one kind lie together for all layers; two rotary tables stand before the head and are skipped.
    private long Place(ModelConfiguration shape)
    {
        long at = HeaderInts * sizeof(int);
        void One(string name, long elements)
        {
            _places[name] = (at, checked((int)elements));
            at += elements * sizeof(float);
        }

        void Each(Func<int, string> name, long elements)
        {
            for (var layer = 0; layer < shape.Layers; layer++)
            {
                One(name(layer), elements);
            }
        }

        long width = shape.Width;
        One(TensorNames.Embedding, shape.Vocabulary * width);
        Each(TensorNames.AttentionNorm, width);
        Each(layer => TensorNames.Query(layer), width * shape.QueryWidth);
        Each(layer => TensorNames.Key(layer), width * shape.KeyValueWidth);
        Each(layer => TensorNames.Value(layer), width * shape.KeyValueWidth);
        Each(TensorNames.Output, width * shape.QueryWidth);
        Each(TensorNames.FeedForwardNorm, width);
        Each(TensorNames.Gate, width * shape.FeedForwardWidth);
        Each(TensorNames.Down, width * shape.FeedForwardWidth);
        Each(TensorNames.Up, width * shape.FeedForwardWidth);
        One(TensorNames.FinalNorm, width);
        at += (long)shape.Context * shape.HeadSize * sizeof(float);
        if (!shape.TiedHead)
        {
            One(TensorNames.Head, shape.Vocabulary * width);
        }

        return at;
    }
}
