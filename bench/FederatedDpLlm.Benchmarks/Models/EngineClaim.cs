using System.Diagnostics;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Training.Corpus;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>
/// Decoding with the bundled model: one context, and the hundred voters of one question in step; beside them, the same voters without a batch: each token is drawn from all voters'
/// logits, so every step is computed one voter after the other, and no voter can run ahead while its cache is warm.
/// </summary>
internal sealed class EngineClaim : IClaim
{
    private const int Rounds = 5;
    private const int Tokens = 64;

    public string Name => "engine";

    public string Description => "Tokens per second of the bundled model for 1 and 100 voters (a voter's token counts as one).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var threads in new[] { 1, Environment.ProcessorCount }.Distinct())
        {
            var model = LanguageModel.Load(BundledModel.Folder, threads);
            var suffix = threads == 1 ? "1 thread" : $"{threads} threads";
            yield return new Measurement($"1 voter {suffix}", Median(model, Contexts(model, 1), cancellationToken), "tokens/s");

            // Interleaved with its peer, so that a neighbour's load meets both.
            var hundred = Contexts(model, 100);
            var (together, alone) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                together.Add(Speed(model, hundred, cancellationToken));
                alone.Add(SpeedWithoutBatch(model, hundred, cancellationToken));
            }

            yield return new Measurement(
                $"100 voters {suffix}", together.Order().ElementAt(Rounds / 2), "tokens/s", "each step one voter after the other", alone.Order().ElementAt(Rounds / 2));
        }
    }

    private static double Median(LanguageModel model, IReadOnlyList<IReadOnlyList<int>> contexts, CancellationToken cancellationToken) =>
        Enumerable.Range(0, Rounds).Select(_ => Speed(model, contexts, cancellationToken)).Order().ElementAt(Rounds / 2);

    // Tokens decoded after the contexts were read; the first call warms the kernels up.
    private static double Speed(LanguageModel model, IReadOnlyList<IReadOnlyList<int>> contexts, CancellationToken cancellationToken)
    {
        using var batch = model.OpenBatch(contexts, cancellationToken);
        batch.Append(contexts[0][^1], cancellationToken);
        var clock = Stopwatch.StartNew();
        for (var token = 0; token < Tokens; token++)
        {
            batch.Append(contexts[0][token], cancellationToken);
        }

        return Tokens * contexts.Count / clock.Elapsed.TotalSeconds;
    }

    private static double SpeedWithoutBatch(LanguageModel model, IReadOnlyList<IReadOnlyList<int>> contexts, CancellationToken cancellationToken)
    {
        var voters = contexts.Select(context => model.OpenBatch([context], cancellationToken)).ToList();
        try
        {
            voters.ForEach(voter => voter.Append(contexts[0][^1], cancellationToken));
            var clock = Stopwatch.StartNew();
            for (var token = 0; token < Tokens; token++)
            {
                voters.ForEach(voter => voter.Append(contexts[0][token], cancellationToken));
            }

            return Tokens * contexts.Count / clock.Elapsed.TotalSeconds;
        }
        finally
        {
            voters.ForEach(voter => voter.Dispose());
        }
    }

    // A voter's context: three records of its shard, and the question that all share.
    private static List<IReadOnlyList<int>> Contexts(LanguageModel model, int voters)
    {
        var corpus = new ClinicalCorpus(5);
        var question = new PromptTurn("user", "Which department sees most patients with chest pain?");
        return [.. Enumerable.Range(0, voters).Select(voter =>
            model.Template.Encode([question], [.. Enumerable.Range(3 * voter, 3).Select(number => corpus.Record(number).Text)], model.Configuration.Context - Tokens - 2))];
    }
}
