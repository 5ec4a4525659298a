using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// Gradients of all weights. Norms by <see cref="GhostNorm"/>; the clipped sum of a pass is one matrix product a tensor over all its examples' rows.
/// A tied embedding collects two parts, as head and as input, whose cross term belongs to its norm.
/// </summary>
internal sealed unsafe class FullGradients : ExampleGradients
{
    private readonly ModelConfiguration _shape;
    private readonly IReadOnlyList<TensorShape> _tensors;
    private readonly TensorSet _sum;
    private readonly GhostNorm _norm;

    public FullGradients(ModelConfiguration shape, int longest)
    {
        _shape = shape;
        _sum = TensorSet.Zeros(shape);
        _tensors = _sum.Shapes;
        _norm = new GhostNorm(longest, _tensors.Max(tensor => Math.Max(tensor.Rows, tensor.Columns)), _tensors.Max(tensor => tensor.Elements));
    }

    public override void SquaredNorms(GradientBook book, int example, Span<double> squares)
    {
        _norm.Begin();
        for (var tensor = 0; tensor < _tensors.Count; tensor++)
        {
            var named = _tensors[tensor];
            squares[tensor] = named switch
            {
                { Name: TensorNames.Embedding } => _shape.TiedHead ? Tied(book, book.Examples[example]) : Input(book, book.Examples[example]),
                { IsVector: true } => GhostNorm.Squares(book.VectorOf(named.Name, example), named.Columns),
                _ => Matrix(book, book.Examples[example], named),
            };
        }
    }

    public override void AddClipped(GradientBook book, double clipNorm, GridSum sum, Span<double> norms)
    {
        Span<double> squares = stackalloc double[_tensors.Count];
        var factors = new float[book.Examples.Count];
        for (var example = 0; example < factors.Length; example++)
        {
            SquaredNorms(book, example, squares);
            norms[example] = NormOf(squares);
            factors[example] = StepsPerUnit(norms[example], clipNorm);
        }

        for (var tensor = 0; tensor < _tensors.Count; tensor++)
        {
            var named = _tensors[tensor];
            var target = _sum[named.Name];
            if (named.IsVector)
            {
                AddVectors(book, factors, named, target);
            }
            else if (named.Name != TensorNames.Embedding || _shape.TiedHead)
            {
                AddMatrix(book, factors, named, target);
            }
            else
            {
                target.Span.Clear();
            }

            if (named.Name == TensorNames.Embedding)
            {
                AddInput(book, factors, target);
            }

            // The factors carry the grid's scale: what is added are steps.
            sum.Add(tensor, target.Pointer, 1);
        }
    }

    private static void AddVectors(GradientBook book, ReadOnlySpan<float> factors, TensorShape named, FloatBuffer target)
    {
        target.Span.Clear();
        for (var example = 0; example < factors.Length; example++)
        {
            Elementwise.Scale(book.VectorOf(named.Name, example), factors[example], factors[example] == 0 ? 0 : named.Columns);
            Elementwise.Add(target.Pointer, book.VectorOf(named.Name, example), factors[example] == 0 ? 0 : named.Columns);
        }
    }

    private static void AddMatrix(GradientBook book, ReadOnlySpan<float> factors, TensorShape named, FloatBuffer target)
    {
        var (gradient, input) = book.Factors(named.Name);
        var rows = 0;
        for (var example = 0; example < factors.Length; example++)
        {
            var (first, count) = book.Examples[example];
            ScaleRows(gradient.Pointer + (nint)first * named.Rows, factors[example], count * named.Rows);
            rows = first + count;
        }

        MatrixProduct.Multiply(
            named.Rows, named.Columns, rows, gradient.Pointer, 1, named.Rows, input.Pointer, named.Columns, target.Pointer, named.Columns, accumulate: false);
    }

    private void AddInput(GradientBook book, ReadOnlySpan<float> factors, FloatBuffer target)
    {
        for (var example = 0; example < factors.Length; example++)
        {
            var (first, count) = book.Examples[example];
            ScaleRows(book.Stream.Pointer + (nint)first * _shape.Width, factors[example], count * _shape.Width);
            for (var row = first; row < first + count; row++)
            {
                Elementwise.Add(target.Pointer + (nint)book.Tokens[row] * _shape.Width, book.Stream.Pointer + (nint)row * _shape.Width, _shape.Width);
            }
        }
    }

    // Not a number times zero is not zero.
    private static void ScaleRows(float* values, float factor, int length)
    {
        if (factor == 0)
        {
            new Span<float>(values, length).Clear();
        }
        else
        {
            Elementwise.Scale(values, factor, length);
        }
    }

    private double Matrix(GradientBook book, ExampleRows at, TensorShape named)
    {
        var (gradient, input) = book.Factors(named.Name);
        return _norm.Of(
            at.Count, gradient.Pointer + (nint)at.First * named.Rows, named.Rows, input.Pointer + (nint)at.First * named.Columns, named.Columns);
    }

    private double Tied(GradientBook book, ExampleRows at)
    {
        var (gradient, input) = book.Factors(TensorNames.Embedding);
        var logits = gradient.Pointer + (nint)at.First * _shape.Vocabulary;
        var normed = input.Pointer + (nint)at.First * _shape.Width;
        if (GhostNorm.Pays(at.Count, _shape.Vocabulary, _shape.Width))
        {
            return _norm.Of(at.Count, logits, _shape.Vocabulary, normed, _shape.Width) + 2 * Cross(book, at, logits, normed) + Input(book, at);
        }

        var product = _norm.Product(at.Count, logits, _shape.Vocabulary, normed, _shape.Width);
        for (var row = at.First; row < at.First + at.Count; row++)
        {
            Elementwise.Add(product + (nint)book.Tokens[row] * _shape.Width, book.Stream.Pointer + (nint)row * _shape.Width, _shape.Width);
        }

        return GhostNorm.Squares(product, (nint)_shape.Vocabulary * _shape.Width);
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
