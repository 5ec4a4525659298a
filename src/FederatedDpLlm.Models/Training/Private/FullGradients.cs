using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// Gradients of all weights. A short example's norm comes from <see cref="GhostNorm"/> before its gradient is made; of a longer one the gradient, which has to be made
/// anyway, is kept until it is added. A tied embedding collects two parts, as head and as input, whose cross term belongs to its norm.
/// </summary>
internal sealed unsafe class FullGradients : ExampleGradients
{
    private readonly ModelConfiguration _shape;
    private readonly IReadOnlyList<TensorShape> _tensors;
    private readonly TensorSet _gradient;
    private readonly bool[] _made;
    private readonly GhostNorm _norm;

    public FullGradients(ModelConfiguration shape, int longest)
    {
        _shape = shape;
        _gradient = TensorSet.Zeros(shape);
        _tensors = _gradient.Shapes;
        _made = new bool[_tensors.Count];
        _norm = new GhostNorm(longest, _tensors.Max(tensor => Math.Max(tensor.Rows, tensor.Columns)));
    }

    private protected override int Tensors => _tensors.Count;

    public override void SquaredNorms(GradientBook book, int example, Span<double> squares)
    {
        _norm.Begin();
        for (var tensor = 0; tensor < _tensors.Count; tensor++)
        {
            var (named, at) = (_tensors[tensor], book.Examples[example]);
            _made[tensor] = !named.IsVector && !GhostNorm.Pays(at.Count, named.Rows, named.Columns);
            squares[tensor] = named.IsVector ? GhostNorm.Squares(book.VectorOf(named.Name, example), named.Columns)
                : _made[tensor] ? GhostNorm.Squares(Make(book, at, named), named.Elements)
                : named.Name == TensorNames.Embedding ? Embedding(book, at, named)
                : Ghost(book, at, named, out _, out _);
        }
    }

    private protected override float* Gradient(GradientBook book, int example, int tensor)
    {
        var named = _tensors[tensor];
        return named.IsVector ? book.VectorOf(named.Name, example)
            : _made[tensor] ? _gradient[named.Name].Pointer
            : Make(book, book.Examples[example], named);
    }

    private float* Make(GradientBook book, ExampleRows at, TensorShape named)
    {
        var target = _gradient[named.Name];
        if (named.Name != TensorNames.Embedding || _shape.TiedHead)
        {
            Factors(book, at, named, out var gradient, out var input);
            MatrixProduct.Multiply(named.Rows, named.Columns, at.Count, gradient, 1, named.Rows, input, named.Columns, target.Pointer, named.Columns, accumulate: false);
        }
        else
        {
            target.Span.Clear();
        }

        for (var row = at.First; named.Name == TensorNames.Embedding && row < at.First + at.Count; row++)
        {
            Elementwise.Add(target.Pointer + (nint)book.TokenOf(row) * _shape.Width, book.Stream.Pointer + (nint)row * _shape.Width, _shape.Width);
        }

        return target.Pointer;
    }

    private static void Factors(GradientBook book, ExampleRows at, TensorShape named, out float* gradient, out float* input)
    {
        var (gradients, inputs) = book.Factors(named.Name);
        gradient = gradients.Pointer + (nint)at.First * named.Rows;
        input = inputs.Pointer + (nint)at.First * named.Columns;
    }

    private double Ghost(GradientBook book, ExampleRows at, TensorShape named, out float* gradient, out float* input)
    {
        Factors(book, at, named, out gradient, out input);
        return _norm.Of(at.Count, gradient, named.Rows, input, named.Columns);
    }

    private double Embedding(GradientBook book, ExampleRows at, TensorShape named)
    {
        if (!_shape.TiedHead)
        {
            return Input(book, at);
        }

        return Ghost(book, at, named, out var logits, out var normed) + 2 * Cross(book, at, logits, normed) + Input(book, at);
    }

    // <head part, input part> = sum over rows s and t of dlogits[t, token of s] * (x_t . stream_s).
    private double Cross(GradientBook book, ExampleRows at, float* logits, float* normed)
    {
        var (row, values) = _norm.Cross(at.Count, normed, book.Stream.Pointer + (nint)at.First * _shape.Width, _shape.Width);
        var sum = 0.0;
        for (var t = 0; t < at.Count; t++)
        {
            for (var s = 0; s < at.Count; s++)
            {
                sum += (double)logits[(nint)t * _shape.Vocabulary + book.Tokens[at.First + s]] * values.Pointer[t * row + s];
            }
        }

        return sum;
    }

    // Rows of the same token add up before they are squared.
    private double Input(GradientBook book, ExampleRows at)
    {
        var sum = 0.0;
        var together = stackalloc double[_shape.Width];
        foreach (var rows in Enumerable.Range(at.First, at.Count).GroupBy(row => book.TokenOf(row)))
        {
            new Span<double>(together, _shape.Width).Clear();
            foreach (var row in rows)
            {
                for (var i = 0; i < _shape.Width; i++)
                {
                    together[i] += book.Stream.Pointer[(nint)row * _shape.Width + i];
                }
            }

            for (var i = 0; i < _shape.Width; i++)
            {
                sum += together[i] * together[i];
            }
        }

        return sum;
    }
}
