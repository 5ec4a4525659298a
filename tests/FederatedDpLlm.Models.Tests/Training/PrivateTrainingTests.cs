using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Models.Tests.Training;

public sealed class PrivateTrainingTests
{
    private static readonly ModelConfiguration Shape = new()
    {
        Width = 32, FeedForwardWidth = 32, Layers = 1, Heads = 2, KeyValueHeads = 2, HeadSize = 16, Vocabulary = 40, Context = 32, TiedHead = true,
    };

    private static readonly PrivateTrainingOptions Options = new()
    {
        SamplingRate = 0.3, ExpectedBatch = 12, Steps = 8, NoiseMultiplier = 1, LearningRate = 0.01, PassTokens = 32, Threads = 1,
    };

    private static readonly TrainingExample[] Examples = [.. Enumerable.Range(0, 40).Select(number => Example((ulong)number))];

    // 40 coins of 0.3 a step, 3000 steps: the number drawn in all is 36,000 with deviation 159, each item's share 0.3 with deviation 0.0084; both bounds lie 5 deviations away
    // (6 for the largest of 40 items), and the source is seeded: they always hold or never.
    [Fact]
    public void Every_example_takes_part_by_a_coin_of_its_own()
    {
        var random = new SeededRandom(3);
        var drawn = Enumerable.Range(0, 3000).Select(_ => PoissonSubset.Draw(40, 0.3, random)).ToList();
        Assert.InRange(drawn.Sum(one => one.Count), 36_000 - 800, 36_000 + 800);
        Assert.All(Enumerable.Range(0, 40), item => Assert.InRange(drawn.Count(one => one.Contains(item)) / 3000.0, 0.3 - 0.05, 0.3 + 0.05));

        // A batch of fixed size has no variance, and a shuffled order draws nobody twice in a row: coins have the binomial's variance, 8.4 here.
        var variance = drawn.Average(one => Math.Pow(one.Count - 12, 2));
        Assert.InRange(variance, 8.4 * 0.8, 8.4 * 1.2);
        Assert.Contains(drawn.Zip(drawn.Skip(1)), pair => pair.First.Intersect(pair.Second).Any());
    }

    [Theory, InlineData(Family.Llama, false), InlineData(Family.Llama, true), InlineData(Family.Qwen2, false), InlineData(Family.Qwen2, true)]
    [InlineData(Family.Qwen3, false), InlineData(Family.Qwen3, true)]
    public void A_training_goes_on_from_a_checkpoint_to_the_same_bits(Family family, bool lowRank)
    {
        var whole = Trainer(lowRank, 1, null, family: family);
        Enumerable.Range(0, 8).ToList().ForEach(_ => whole.Next());

        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var broken = Trainer(lowRank, 1, null, family: family);
            Enumerable.Range(0, 5).ToList().ForEach(_ => broken.Next());
            broken.Checkpoint.Write(folder.FullName);
            broken.Next();
            var resumed = Trainer(lowRank, 1, TrainingCheckpoint.Latest(folder.FullName, broken.Trained.Values.Shapes), family: family);
            Assert.Equal(5, resumed.Step);
            Enumerable.Range(0, 3).ToList().ForEach(_ => resumed.Next());
            AssertSame(whole.Trained.Values, resumed.Trained.Values);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory, InlineData(Family.Llama, false), InlineData(Family.Llama, true), InlineData(Family.Qwen2, false), InlineData(Family.Qwen2, true)]
    [InlineData(Family.Qwen3, false), InlineData(Family.Qwen3, true)]
    public void The_result_does_not_depend_on_the_number_of_threads(Family family, bool lowRank)
    {
        var (one, two, three) = (Trainer(lowRank, 1, null, family: family), Trainer(lowRank, 2, null, family: family), Trainer(lowRank, 3, null, family: family));
        for (var step = 0; step < 4; step++)
        {
            one.Next();
            two.Next();
            three.Next();
        }

        AssertSame(one.Trained.Values, two.Trained.Values);
        AssertSame(one.Trained.Values, three.Trained.Values);
    }

    [Fact]
    public void Other_randomness_gives_another_model() => Assert.ThrowsAny<Exception>(() =>
    {
        var (one, other) = (Trainer(true, 1, null), Trainer(true, 1, null, secret: 8));
        one.Next();
        other.Next();
        AssertSame(one.Trained.Values, other.Trained.Values);
    });

    // Without examples what is released is the noise alone. 100 steps of some 7,000 coordinates: the mean square is the variance within 5 deviations, 5 sqrt(2 / 700,000) = 0.85 %.
    [Fact]
    public void The_noise_has_the_deviation_that_the_account_charges()
    {
        var trainer = Trainer(true, 1, null, options: Options with { SamplingRate = 1e-12, Steps = 100, NoiseMultiplier = 0.7 });
        var (squares, count) = (0.0, 0L);
        for (var step = 0; step < 100; step++)
        {
            trainer.Next();
            foreach (var tensor in trainer.Released.Shapes)
            {
                squares += trainer.Released[tensor.Name].Span.ToArray().Sum(value => (double)value * value);
                count += tensor.Elements;
            }
        }

        var sensitivity = GridSum.Sensitivity((int)(count / 100)) / (1 << GridSum.GridBits) * Options.ClipNorm;
        var deviation = Math.Sqrt(squares / count) * Options.ExpectedBatch;
        Assert.InRange(deviation / (0.7 * sensitivity), 0.99, 1.01);
    }

    [Fact]
    public void The_account_is_that_of_repeated_sampled_gaussians()
    {
        var trainer = Trainer(true, 1, null);
        var released = trainer.Account.EventAfter(8);
        var repeated = Assert.IsType<RepeatedEvent>(released);
        Assert.Equal(new PoissonSampledEvent(0.3, new GaussianEvent(1, NeighbouringRelation.AddOrRemoveOne)), repeated.Part);
        Assert.Equal(8, repeated.Count);

        // Renyi orders cost a little more than the tight accountant; both know the same event.
        var tight = PrivacyLoss.EpsilonAt(released, Options.Delta).Upper;
        Assert.InRange(trainer.Account.EpsilonAfter(8), tight, 1.4 * tight);
        Assert.Equal(0, trainer.Account.EpsilonAfter(0));
        Assert.Equal(double.PositiveInfinity, Trainer(true, 1, null, options: Options with { NoiseMultiplier = 0 }).Account.EpsilonAfter(1));
    }

    [Fact]
    public void The_noise_for_a_promise_keeps_it()
    {
        var noise = TrainingAccount.NoiseFor(new Epsilon(3), new Delta(1e-5), 0.1, 100);
        var options = Options with { SamplingRate = 0.1, Steps = 100, NoiseMultiplier = noise };
        Assert.InRange(Trainer(true, 1, null, options: options).Account.EpsilonAfter(100), 2.9, 3);
    }

    [Theory, InlineData(Family.Llama), InlineData(Family.Qwen2), InlineData(Family.Qwen3)]
    public void Without_noise_it_learns_the_examples_by_heart(Family family)
    {
        var options = Options with { SamplingRate = 1, ExpectedBatch = 4, Steps = 150, NoiseMultiplier = 0, LearningRate = 0.02 };
        var trainer = new PrivateTrainer(Shape.As(family), Trained(false, family), Examples[..4], options, new StepRandomness(new byte[32]));
        var losses = new List<double>();
        trainer.Run(progress => losses.Add(progress.Loss), TestContext.Current.CancellationToken);
        Assert.InRange(losses[0], 3, 4.5);
        Assert.InRange(losses[^1], 0, 0.5);
    }

    [Theory, InlineData(0.0, 1.0, 1.0), InlineData(1.5, 1.0, 1.0), InlineData(0.1, -1.0, 1.0), InlineData(0.1, 1.0, 0.0), InlineData(double.NaN, 1.0, 1.0)]
    public void A_plan_that_cannot_be_carried_out_is_refused(double samplingRate, double noise, double clip) =>
        Assert.Throws<ArgumentException>(() => Trainer(true, 1, null, options: Options with { SamplingRate = samplingRate, NoiseMultiplier = noise, ClipNorm = clip }));

    [Fact]
    public void An_example_longer_than_a_pass_is_refused() => Assert.Throws<ArgumentException>(() =>
        new PrivateTrainer(Shape, Trained(true), [Example(1), new(new int[40], new float[40])], Options, new StepRandomness(new byte[32])));

    private static PrivateTrainer Trainer(bool lowRank, int threads, TrainingCheckpoint? checkpoint, PrivateTrainingOptions? options = null, byte secret = 7, Family family = Family.Llama) => new(
        Shape.As(family), Trained(lowRank, family), Examples, (options ?? Options) with { Threads = threads }, new StepRandomness([.. Enumerable.Repeat(secret, 32)]), checkpoint);

    private static TrainedParameters Trained(bool lowRank, Family family = Family.Llama)
    {
        var shape = Shape.As(family);
        var weights = InitialWeights.Draw(shape, 5);
        return lowRank ? new LowRankFactors(shape, weights, 4, 8, 1) : new FullWeights(shape, weights);
    }

    private static TrainingExample Example(ulong seed)
    {
        var random = new CounterRandom(seed);
        var length = random.Between(4, 14);
        return new([.. Enumerable.Range(0, length).Select(_ => random.Next(40))], [.. Enumerable.Repeat(1f, length)]);
    }

    private static void AssertSame(TensorSet one, TensorSet other) =>
        Assert.All(one.Shapes, tensor => Assert.True(one[tensor.Name].Span.SequenceEqual(other[tensor.Name].Span), tensor.Name));
}
