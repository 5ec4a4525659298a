using System.Diagnostics;
using FederatedDpLlm.Models.Training;

namespace FederatedDpLlm.Benchmarks.Training;

/// <summary>Training tokens per second in ward-2m's shape, optimiser included, beside the 10,000 that are promised on two cores.</summary>
internal sealed class TrainClaim : IClaim
{
    private const int Rounds = 5;
    private const int StepsPerRound = 4;
    private const int ExampleTokens = 128;
    private const double Promised = 10_000;

    public string Name => "train";

    public string Description => "Training tokens per second of 1.7M parameters: forward, backward and AdamW.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var threads in new[] { 1, Environment.ProcessorCount }.Distinct())
        {
            var recipe = PretrainingRecipe.Ward2M;
            var examples = RandomExamples.Of(16, ExampleTokens, recipe.Shape.Vocabulary);
            var trainer = new Trainer(recipe.Shape, new TrainingOptions { Seed = 1, Steps = int.MaxValue, Microbatches = 4, MicrobatchTokens = 1024, Threads = threads });
            TrainingProgress Step() => trainer.Next((_, number) => examples[number % examples.Count]);
            Step();
            var (speeds, shares) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (clock, used, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime, trainer.Tokens);
                for (var step = 0; step < StepsPerRound; step++)
                {
                    Step();
                }

                speeds.Add((trainer.Tokens - before) / clock.Elapsed.TotalSeconds);
                shares.Add((trainer.Tokens - before) / (Environment.CpuUsage.TotalTime - used).TotalSeconds);
            }

            var (setting, peer) = threads == 1 ? ("1 thread", Promised / 2) : ($"{threads} threads", Promised);
            yield return new Measurement(setting, speeds.Order().ElementAt(Rounds / 2), "tokens/s", "what is promised", peer);

            // Per second of processor time: what a core gives that has other work, and the steadier figure.
            yield return new Measurement(setting, shares.Order().ElementAt(Rounds / 2), "tokens/CPU-s", "what is promised of a core", Promised / 2);
        }
    }
}
