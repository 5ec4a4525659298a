using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>The hand-written backward pass against central differences of the float64 reference.</summary>
public sealed class GradientTests
{
    private static readonly TrainingExample[] Batch =
    [
        new([1, 5, 9, 2, 7, 7, 3, 1, 4, 6, 8, 2], [0, 1, 0.5f, 1, 0, 1, 2, 1, 1, 0.25f, 1, 1]),
        new([3, 3, 8, 1], [0, 1, 1, 1]),
    ];

    [Theory, InlineData(Family.Llama, true), InlineData(Family.Llama, false), InlineData(Family.Qwen2, true), InlineData(Family.Qwen3, false), InlineData(Family.Qwen3Biased, true)]
    public void The_slow_backward_pass_agrees_with_differences_to_a_millionth(Family family, bool tied)
    {
        var (shape, parameters) = Model(family, tied);
        var slopes = Slopes(shape, parameters);
        var reference = new ReferenceModel<Plain>(shape, parameters);
        var random = new CounterRandom(11);
        foreach (var tensor in parameters.Shapes)
        {
            for (var sample = 0; sample < 3; sample++)
            {
                var i = random.Next(tensor.Elements);
                var expected = reference.Derivative(Batch, tensor.Name, i);
                Assert.True(Math.Abs(expected - slopes[tensor.Name][i]) < 1e-6 * Math.Max(1, Math.Abs(expected)), $"{tensor.Name}[{i}]: {slopes[tensor.Name][i]}, by differences {expected}");
            }
        }
    }

    // Relative to the tensor's largest gradient: single ones may be sums that cancel.
    [Theory, InlineData(Family.Llama, true), InlineData(Family.Llama, false), InlineData(Family.Qwen2, true), InlineData(Family.Qwen3, false), InlineData(Family.Qwen3Biased, true)]
    public void Every_gradient_agrees_with_the_slow_backward_pass(Family family, bool tied)
    {
        var (shape, parameters) = Model(family, tied);
        var gradients = TensorSet.Zeros(shape);
        var loss = new LlamaBackward(new LlamaWeights(shape, parameters), parameters, 64).Accumulate(Batch, 1, gradients);
        Assert.Equal(new ReferenceModel<Plain>(shape, parameters).Loss(Batch).Value, loss, 4);

        var slopes = Slopes(shape, parameters);
        foreach (var tensor in parameters.Shapes)
        {
            var expected = slopes[tensor.Name];
            var allowed = 1e-4 * expected.Max(Math.Abs);
            var actual = gradients[tensor.Name].Span;
            for (var i = 0; i < tensor.Elements; i++)
            {
                Assert.True(Math.Abs(expected[i] - actual[i]) <= allowed, $"{tensor.Name}[{i}]: {actual[i]}, expected {expected[i]}");
            }
        }
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen3Biased)]
    public void A_batch_of_examples_has_the_sum_of_their_gradients(Family family)
    {
        var shape = Shape(tied: true).As(family);
        var parameters = InitialWeights.Draw(shape, 3);
        var weights = new LlamaWeights(shape, parameters);
        var (together, apart) = (TensorSet.Zeros(shape), TensorSet.Zeros(shape));
        var backward = new LlamaBackward(weights, parameters, 64);
        backward.Accumulate(Batch, 1, together);
        foreach (var example in Batch)
        {
            backward.Accumulate([example], 1, apart);
        }

        foreach (var tensor in parameters.Shapes)
        {
            Assert.All(together[tensor.Name].Span.ToArray().Zip(apart[tensor.Name].Span.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen2), InlineData(Family.Qwen3)]
    public void Training_gives_the_same_bits_on_any_number_of_threads(Family family)
    {
        TensorSet Train(int threads)
        {
            var options = new TrainingOptions { Seed = 5, Steps = 6, Microbatches = 4, MicrobatchTokens = 32, WarmupSteps = 2, Threads = threads };
            var trainer = new Trainer(Shape(tied: true).As(family), options);
            trainer.Run((step, number) => Batch[(step + number) % 2], _ => { }, TestContext.Current.CancellationToken);
            return trainer.Parameters;
        }

        var one = Train(1);
        foreach (var more in new[] { Train(2), Train(3) })
        {
            Assert.All(one.Shapes, tensor => Assert.True(one[tensor.Name].Span.SequenceEqual(more[tensor.Name].Span), tensor.Name));
        }

        // Steps change every tensor: what has no gradient would pass everything above.
        var begun = InitialWeights.Draw(Shape(tied: true).As(family), 5);
        Assert.All(one.Shapes, tensor => Assert.False(one[tensor.Name].Span.SequenceEqual(begun[tensor.Name].Span), tensor.Name));
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen2), InlineData(Family.Qwen3)]
    public void Training_learns_a_sequence_by_heart(Family family)
    {
        var losses = new List<double>();
        var trainer = new Trainer(Shape(tied: true).As(family), new TrainingOptions { Seed = 5, Steps = 120, Microbatches = 1, MicrobatchTokens = 32, WarmupSteps = 5, LearningRate = 0.01 });
        trainer.Run((_, number) => Batch[number % 2], progress => losses.Add(progress.Loss), TestContext.Current.CancellationToken);

        Assert.InRange(losses[0], 2.0, 2.8);
        Assert.InRange(losses[^1], 0, 0.3);
    }

    private static (ModelConfiguration Shape, TensorSet Parameters) Model(Family family, bool tied)
    {
        var shape = Shape(tied).As(family);
        return (shape, InitialWeights.Draw(shape, 7).Spread(10));
    }

    private static Dictionary<string, double[]> Slopes(ModelConfiguration shape, TensorSet parameters)
    {
        var taped = new ReferenceModel<Taped>(shape, parameters);
        Taped.Differentiate(() => taped.Loss(Batch));
        return parameters.Shapes.ToDictionary(tensor => tensor.Name, tensor => taped[tensor.Name].Select(value => value.Slope).ToArray());
    }

    private static ModelConfiguration Shape(bool tied) => new()
    {
        Width = 24, FeedForwardWidth = 40, Layers = 2, Heads = 4, KeyValueHeads = 2, HeadSize = 6, Vocabulary = 11, Context = 40, TiedHead = tied,
    };
}
