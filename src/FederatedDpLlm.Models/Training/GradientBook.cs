using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>
/// The two factors of every linear map's gradient after one backward pass, from which each example's own gradient, its norm, or any weighted sum over the
/// examples can be made without another pass (book-keeping: Bu, Wang, Zha, Karypis, arXiv:2210.00038). Valid until the next forward pass.
/// </summary>
internal sealed unsafe class GradientBook(ModelConfiguration shape, int rows) : IGradientReceiver
{
    private readonly Dictionary<string, (FloatBuffer OutputGradient, FloatBuffer Input)> _factors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FloatBuffer> _own = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FloatBuffer> _vectors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _widths =
        TensorShape.Of(shape).Where(tensor => tensor.IsVector).ToDictionary(tensor => tensor.Name, tensor => tensor.Columns, StringComparer.Ordinal);

    private readonly int[] _exampleOfRow = new int[rows];
    private readonly int[] _tokens = new int[rows];
    private readonly List<ExampleRows> _examples = [];
    private FloatBuffer? _stream;

    /// <summary>Where each example lies.</summary>
    public IReadOnlyList<ExampleRows> Examples => _examples;

    /// <summary>The gradient of the residual stream where the embedding enters it.</summary>
    public FloatBuffer Stream => _stream ?? throw new InvalidOperationException("Nothing was recorded yet.");

    /// <summary>The input token of each row.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    public int TokenOf(int row) => _tokens[row];

    /// <summary>The factors of a matrix's gradient: row-major, a row a token.</summary>
    public (FloatBuffer OutputGradient, FloatBuffer Input) Factors(string name) => _factors[name];

    /// <summary>An example's gradient of a norm's gain or of a bias.</summary>
    public float* VectorOf(string name, int example) => _vectors[name].Pointer + example * _widths[name];

    /// <summary>Begins a page for these examples.</summary>
    public void Open(IReadOnlyList<TrainingExample> batch)
    {
        _examples.Clear();
        var first = 0;
        for (var example = 0; example < batch.Count; first += batch[example].Rows, example++)
        {
            _examples.Add(new ExampleRows(first, batch[example].Rows));
            _exampleOfRow.AsSpan(first, batch[example].Rows).Fill(example);
        }

        foreach (var (name, vectors) in _vectors)
        {
            vectors.Span[..(batch.Count * _widths[name])].Clear();
        }
    }

    public void Linear(string name, int rows, FloatBuffer outputGradient, FloatBuffer input, FloatBuffer? spare)
    {
        if (spare is null && !_own.TryGetValue(name, out spare))
        {
            _own[name] = spare = new FloatBuffer(outputGradient.Length);
        }

        if (spare != outputGradient)
        {
            outputGradient.Span.CopyTo(spare!.Span);
        }

        _factors[name] = (spare!, input);
    }

    public float* Vector(string name, int row)
    {
        if (!_vectors.TryGetValue(name, out var vectors))
        {
            _vectors[name] = vectors = new FloatBuffer(rows * _widths[name]);
        }

        return vectors.Pointer + _exampleOfRow[row] * _widths[name];
    }

    public void Embedding(ReadOnlySpan<int> tokens, FloatBuffer streamGradient)
    {
        tokens.CopyTo(_tokens);
        _stream = streamGradient;
    }
}
