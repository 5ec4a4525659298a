using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>Norms and clipped sums out of one pass, against a loop that runs every example by itself.</summary>
public sealed unsafe class ExampleGradientTests
{
    private const int Rows = 160;

    // Short examples take the ghost identity for most matrices, long ones the product itself; some repeat a token, as input and as target.
    private static readonly TrainingExample[] Batch = [Example(9, 1), Example(60, 2), Example(2, 3), Example(33, 4), new([5, 5, 5, 5, 5], [0, 1, 1, 0.5f, 1])];

    [Theory, InlineData(Family.Llama, true, 24), InlineData(Family.Llama, false, 24), InlineData(Family.Llama, true, 64), InlineData(Family.Llama, false, 64)]
    [InlineData(Family.Qwen2, true, 24), InlineData(Family.Qwen2, false, 64), InlineData(Family.Qwen3, false, 24), InlineData(Family.Qwen3, true, 64), InlineData(Family.Qwen3Biased, true, 24)]
    public void Norms_of_every_parameter_are_those_of_a_loop_over_single_examples(Family family, bool tied, int width)
    {
        var (shape, parameters, book) = Recorded(tied, width, family);
        var reader = new FullGradients(shape, Rows);
        var squares = new double[parameters.Shapes.Count];
        for (var example = 0; example < Batch.Length; example++)
        {
            reader.SquaredNorms(book, example, squares);
            var alone = Alone(shape, parameters, Batch[example]);
            for (var tensor = 0; tensor < squares.Length; tensor++)
            {
                var name = parameters.Shapes[tensor].Name;
                var expected = Math.Sqrt(alone[name].Span.ToArray().Sum(value => (double)value * value));
                Assert.True(Math.Abs(Math.Sqrt(squares[tensor]) - expected) <= 1e-6 * expected, $"example {example}, {name}: {Math.Sqrt(squares[tensor]):R}, expected {expected:R}");
            }
        }
    }

    [Theory, InlineData(Family.Llama, true), InlineData(Family.Llama, false), InlineData(Family.Qwen2, true), InlineData(Family.Qwen3, false), InlineData(Family.Qwen3Biased, true)]
    public void The_clipped_sum_is_that_of_a_loop(Family family, bool tied)
    {
        const double Clip = 0.5;
        var (shape, parameters, book) = Recorded(tied, 24, family);
        var sum = new GridSum(parameters.Shapes);
        var norms = new double[Batch.Length];
        new FullGradients(shape, Rows).AddClipped(book, Clip, sum, norms);
        sum.Settle();

        Assert.Contains(norms, norm => norm > Clip);
        AssertSum(shape, parameters, sum, Clip, tolerance: 8);
    }

    // More examples than 32 bits can hold the sum of, each with all of its norm in one coordinate.
    [Fact]
    public void The_sum_does_not_overflow_and_is_not_read_before_it_is_settled()
    {
        const int Examples = 5000;
        var sum = new GridSum([.. TensorShape.Of(Shape(true, 24)).Where(tensor => tensor.IsVector).Take(1)]);
        var values = new FloatBuffer(sum.Dimension);
        Assert.Throws<InvalidOperationException>(() => sum.Add(0, values.Pointer, 1));
        (values.Span[0], values.Span[^1]) = (1, -1);
        for (var example = 0; example < Examples; example++)
        {
            sum.Begin();
            Assert.Equal(2 * Math.Pow(2, 2 * GridSum.GridBits), sum.Add(0, values.Pointer, 1 << GridSum.GridBits));
        }

        Assert.Throws<InvalidOperationException>(() => sum.Values.Length);
        sum.Settle();
        Assert.Equal((long)Examples << GridSum.GridBits, sum.Values[0]);
        Assert.Equal(-((long)Examples << GridSum.GridBits), sum.Values[^1]);
    }

    [Fact]
    public void An_example_that_is_not_finite_adds_nothing()
    {
        var (shape, parameters, book) = Recorded(tied: true, 24);
        book.Factors(TensorNames.Up(0)).OutputGradient.Span[0] = float.NaN;
        var (sum, norms) = (new GridSum(parameters.Shapes), new double[Batch.Length]);
        new FullGradients(shape, Rows).AddClipped(book, 1, sum, norms);
        sum.Settle();

        Assert.True(double.IsNaN(norms[0]));
        var rest = new double[sum.Dimension];
        foreach (var example in Batch.Skip(1))
        {
            Accumulate(rest, Alone(shape, parameters, example), 1);
        }

        Assert.All(rest.Zip(sum.Values.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 8.0));
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen2), InlineData(Family.Qwen3)]
    public void Low_rank_gradients_are_the_full_ones_times_the_other_factor(Family family)
    {
        var shape = Shape(true, 24).As(family);
        var weights = Weights(shape);
        var factors = new LowRankFactors(shape, weights, rank: 3, alpha: 6, seed: 4);
        foreach (var map in factors.Maps)
        {
            Spread(factors.Values[LowRankFactors.NameB(map)].Span, 0.3);
        }

        factors.Apply();
        var book = new GradientBook(shape, Rows);
        new LlamaBackward(new LlamaWeights(shape, factors.Effective), factors.Effective, Rows).Record(Batch, book);
        var reader = factors.Gradients(Rows);
        var squares = new double[factors.Values.Shapes.Count];
        for (var example = 0; example < Batch.Length; example++)
        {
            reader.SquaredNorms(book, example, squares);
            var alone = Alone(shape, factors.Effective, Batch[example]);
            for (var map = 0; map < factors.Maps.Count; map++)
            {
                var (ofA, ofB) = ByChainRule(factors, factors.Maps[map], alone[factors.Maps[map].Name].Span);
                Assert.Equal(1, Math.Sqrt(squares[2 * map] / ofA.Sum(value => value * value)), 1e-6);
                Assert.Equal(1, Math.Sqrt(squares[2 * map + 1] / ofB.Sum(value => value * value)), 1e-6);
            }
        }
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen3Biased)]
    public void Low_rank_factors_begin_at_the_base_model(Family family)
    {
        var shape = Shape(true, 24).As(family);
        var weights = Weights(shape);
        var factors = new LowRankFactors(shape, weights, rank: 4, alpha: 8, seed: 1);
        factors.Apply();
        Assert.All(weights.Shapes, tensor => Assert.True(weights[tensor.Name].Span.SequenceEqual(factors.Effective[tensor.Name].Span)));
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen2), InlineData(Family.Qwen3)]
    public void One_example_moves_the_low_rank_sum_by_at_most_the_sensitivity(Family family)
    {
        var shape = Shape(true, 24).As(family);
        var factors = new LowRankFactors(shape, Weights(shape), rank: 3, alpha: 6, seed: 4);
        foreach (var map in factors.Maps)
        {
            Spread(factors.Values[LowRankFactors.NameB(map)].Span, 0.3);
        }

        factors.Apply();
        AssertSensitivity(shape, factors.Effective, factors.Values.Shapes, () => factors.Gradients(Rows));
    }

    [Theory, InlineData(Family.Llama, true), InlineData(Family.Llama, false), InlineData(Family.Qwen2, true), InlineData(Family.Qwen3, false)]
    public void One_example_moves_the_sum_of_all_weights_by_at_most_the_sensitivity(Family family, bool tied)
    {
        var shape = Shape(tied, 24).As(family);
        var parameters = Weights(shape);
        AssertSensitivity(shape, parameters, parameters.Shapes, () => new FullGradients(shape, Rows));
    }

    // Rounding to integers before adding makes the sum the same in every order, bit for bit; no example moves it by more than the stated sensitivity.
    private static void AssertSensitivity(ModelConfiguration shape, TensorSet parameters, IReadOnlyList<TensorShape> trained, Func<ExampleGradients> gradients)
    {
        long[] Sum(params TrainingExample[] batch)
        {
            var (book, sum) = (new GradientBook(shape, Rows), new GridSum(trained));
            new LlamaBackward(new LlamaWeights(shape, parameters), parameters, Rows).Record(batch, book);
            gradients().AddClipped(book, 0.01, sum, new double[batch.Length]);
            sum.Settle();
            return sum.Values.ToArray();
        }

        var all = Sum(Batch);
        Assert.Equal(all, Sum([.. Batch.Reverse()]));
        for (var left = 0; left < Batch.Length; left++)
        {
            var without = Sum([.. Batch.Where((_, index) => index != left)]);
            var moved = Math.Sqrt(all.Zip(without, (a, b) => Math.Pow(a - b, 2)).Sum());
            Assert.InRange(moved, 0.99 * (1 << GridSum.GridBits), GridSum.Sensitivity(all.Length));
        }
    }

    private static void AssertSum(ModelConfiguration shape, TensorSet parameters, GridSum sum, double clip, double tolerance)
    {
        var expected = new double[sum.Dimension];
        foreach (var example in Batch)
        {
            Accumulate(expected, Alone(shape, parameters, example), clip);
        }

        Assert.All(expected.Zip(sum.Values.ToArray()), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    private static void Accumulate(double[] sum, TensorSet gradient, double clip)
    {
        var flat = gradient.Shapes.SelectMany(tensor => gradient[tensor.Name].Span.ToArray()).ToList();
        var norm = Math.Sqrt(flat.Sum(value => (double)value * value));
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] += flat[i] / Math.Max(clip, norm) * (1 << GridSum.GridBits);
        }
    }

    private static (double[] OfA, double[] OfB) ByChainRule(LowRankFactors factors, TensorShape map, ReadOnlySpan<float> gradient)
    {
        var a = factors.Values[LowRankFactors.NameA(map)].Span;
        var b = factors.Values[LowRankFactors.NameB(map)].Span;
        var rank = factors.Rank;
        var (ofA, ofB) = (new double[rank * map.Columns], new double[map.Rows * rank]);
        for (var row = 0; row < map.Rows; row++)
        {
            for (var column = 0; column < map.Columns; column++)
            {
                for (var r = 0; r < rank; r++)
                {
                    var g = factors.Scale * (double)gradient[row * map.Columns + column];
                    ofA[r * map.Columns + column] += b[row * rank + r] * g;
                    ofB[row * rank + r] += a[r * map.Columns + column] * g;
                }
            }
        }

        return (ofA, ofB);
    }

    private static TensorSet Alone(ModelConfiguration shape, TensorSet parameters, TrainingExample example)
    {
        var gradient = TensorSet.Zeros(shape);
        new LlamaBackward(new LlamaWeights(shape, parameters), parameters, Rows).Accumulate([example], example.TotalWeight, gradient);
        return gradient;
    }

    private static (ModelConfiguration Shape, TensorSet Parameters, GradientBook Book) Recorded(bool tied, int width, Family family = Family.Llama)
    {
        var shape = Shape(tied, width).As(family);
        var parameters = Weights(shape);
        var book = new GradientBook(shape, Rows);
        new LlamaBackward(new LlamaWeights(shape, parameters), parameters, Rows).Record(Batch, book);
        return (shape, parameters, book);
    }

    private static TensorSet Weights(ModelConfiguration shape) => InitialWeights.Draw(shape, 3).Spread(4);

    private static void Spread(Span<float> values, double deviation)
    {
        var random = new CounterRandom(9);
        foreach (ref var value in values)
        {
            value = (float)(random.NextNormal() * deviation);
        }
    }

    private static TrainingExample Example(int rows, ulong seed)
    {
        var random = new CounterRandom(seed);
        return new([.. Enumerable.Range(0, rows + 1).Select(_ => random.Next(40))], [.. Enumerable.Range(0, rows + 1).Select(_ => random.Chance(0.7) ? 1f : 0.05f)]);
    }

    private static ModelConfiguration Shape(bool tied, int width) => new()
    {
        Width = width, FeedForwardWidth = 2 * width, Layers = 2, Heads = 4, KeyValueHeads = 2, HeadSize = width / 4, Vocabulary = 40, Context = 64, TiedHead = tied,
    };
}
