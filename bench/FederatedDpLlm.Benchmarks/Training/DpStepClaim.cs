using System.Diagnostics;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Benchmarks.Training;

/// <summary>A private step (norms, clipping, noise, AdamW) beside a plain one over the same examples, in turn; promised is at most 1.3 times its time (a ratio of 0.77).</summary>
internal sealed class DpStepClaim : IClaim
{
    private const int Rounds = 7;

    public string Name => "dp-step";

    public string Description => "Milliseconds of a DP-SGD step of 1.7M parameters beside a plain step over the same examples.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var (examples, tokens) in new[] { (64, 128), (128, 64) })
        {
            yield return Beside(examples, tokens, lowRank: false, cancellationToken);
        }

        yield return Beside(64, 128, lowRank: true, cancellationToken);
    }

    private static Measurement Beside(int count, int tokens, bool lowRank, CancellationToken cancellationToken)
    {
        var shape = PretrainingRecipe.Ward2M.Shape;
        var examples = RandomExamples.Of(count, tokens, shape.Vocabulary);
        var passes = count * tokens / 1024;
        var plain = new Trainer(shape, new TrainingOptions { Seed = 1, Steps = int.MaxValue, Microbatches = passes, MicrobatchTokens = 1024 });
        var weights = InitialWeights.Draw(shape, 1);
        var options = new PrivateTrainingOptions { SamplingRate = 1, ExpectedBatch = count, Steps = 1_000_000, NoiseMultiplier = 1 };
        var secret = StepRandomness.Fresh(new SecureRandom());
        TrainedParameters trained = lowRank ? new LowRankFactors(shape, weights, 8, 16, 1) : new FullWeights(shape, weights);
        var noisy = new PrivateTrainer(shape, trained, examples, options, secret);
        plain.Next((_, number) => examples[number % count]);
        noisy.Next();

        var (without, with) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            without.Add(Time(() => plain.Next((_, number) => examples[number % count])));
            with.Add(Time(() => noisy.Next()));
        }

        var setting = $"{count} examples of {tokens} tokens, {(lowRank ? "low-rank factors beside all weights without privacy" : "all weights")}";
        return new Measurement(setting, with.Order().ElementAt(Rounds / 2), "ms", "a plain step over all weights", without.Order().ElementAt(Rounds / 2), LowerIsBetter: true);
    }

    private static double Time(Action step)
    {
        var clock = Stopwatch.StartNew();
        step();
        return clock.Elapsed.TotalMilliseconds;
    }
}
