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

    [Theory, InlineData(true), InlineData(false)]
    public void Every_gradient_agrees_with_central_differences(bool tied)
    {
        var shape = Shape(tied);
        var parameters = InitialWeights.Draw(shape, 7);
        Spread(parameters);
        var gradients = TensorSet.Zeros(shape);
        var total = Batch.Sum(example => example.TotalWeight);
        var loss = new LlamaBackward(new LlamaWeights(shape, parameters), parameters, 64).Accumulate(Batch, total, gradients);
        var reference = new ReferenceModel(shape, parameters);
        Assert.Equal(reference.Loss(Batch), loss, 4);

        var random = new CounterRandom(11);
        foreach (var tensor in parameters.Shapes)
        {
            for (var sample = 0; sample < 6; sample++)
            {
                var i = random.Next(tensor.Elements);
                var expected = reference.Derivative(Batch, tensor.Name, i) / total;
                var actual = gradients[tensor.Name].Span[i];
                Assert.True(Math.Abs(expected - actual) < 1e-4 * Math.Max(0.02, Math.Abs(expected)), $"{tensor.Name}[{i}]: {actual}, expected {expected}");
            }
        }
    }

    [Fact]
    public void A_batch_of_examples_has_the_sum_of_their_gradients()
    {
        var shape = Shape(tied: true);
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

    [Fact]
    public void Training_gives_the_same_bits_on_one_thread_and_on_two()
    {
        TensorSet Train(int threads)
        {
            var options = new TrainingOptions { Seed = 5, Steps = 6, Microbatches = 4, MicrobatchTokens = 32, WarmupSteps = 2, Threads = threads };
            var trainer = new Trainer(Shape(tied: true), options);
            trainer.Run((step, number) => Batch[(step + number) % 2], _ => { }, TestContext.Current.CancellationToken);
            return trainer.Parameters;
        }

        var (one, two) = (Train(1), Train(2));
        Assert.All(one.Shapes, tensor => Assert.True(one[tensor.Name].Span.SequenceEqual(two[tensor.Name].Span)));
    }

    [Fact]
    public void Training_learns_a_sequence_by_heart()
    {
        var losses = new List<double>();
        var trainer = new Trainer(Shape(tied: true), new TrainingOptions { Seed = 5, Steps = 120, Microbatches = 1, MicrobatchTokens = 32, WarmupSteps = 5, LearningRate = 0.01 });
        trainer.Run((_, number) => Batch[number % 2], progress => losses.Add(progress.Loss), TestContext.Current.CancellationToken);

        Assert.InRange(losses[0], 2.0, 2.8);
        Assert.InRange(losses[^1], 0, 0.3);
    }

    private static ModelConfiguration Shape(bool tied) => new()
    {
        Width = 24, FeedForwardWidth = 40, Layers = 2, Heads = 4, KeyValueHeads = 2, HeadSize = 6, Vocabulary = 11, Context = 40, TiedHead = tied,
    };

    // Weights of 0.02 leave the attention flat; larger ones make every term count.
    private static void Spread(TensorSet parameters)
    {
        foreach (var tensor in parameters.Shapes.Where(tensor => !tensor.IsVector))
        {
            foreach (ref var value in parameters[tensor.Name].Span)
            {
                value *= 10;
            }
        }
    }
}
