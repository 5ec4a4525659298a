using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Training.Canaries;

/// <summary>Fine-tunes a model on notes with planted numbers, once without and once with differential privacy, and tries to get the numbers back.</summary>
public static class CanaryExperiment
{
    /// <summary>Runs both trainings and all attacks.</summary>
    /// <param name="folder">A model's folder, with the bundled model's template.</param>
    /// <param name="options">Sizes and the promise.</param>
    /// <param name="random">Of subsets and noise.</param>
    /// <param name="report">Called with what is being done, and after every step of a training.</param>
    /// <param name="cancellationToken">Ends the work between two steps or passes.</param>
    public static CanaryReport Run(
        string folder, CanaryOptions options, ISecureRandom random, Action<string, PrivateTrainingProgress?> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(report);
        using var source = ModelSource.Open(folder);
        var (shape, tokenizer) = (source.Configuration, source.Tokenizer);
        var weights = TensorSet.Read(shape, source.Tensors);
        var notes = new CanaryNotes(tokenizer, options.Seed, options.Planted, options.Notes, options.Others);
        var noise = TrainingAccount.NoiseFor(new Epsilon(options.Epsilon), new Delta(options.Delta), options.SamplingRate, options.Steps);

        report("The model before training", null);
        var before = new Attack(new MemoryProbe(new LlamaWeights(shape, weights), notes, options.Threads), notes, cancellationToken);
        CanaryOutcome Trained(string name, double noiseMultiplier)
        {
            var trainer = Train(shape, weights, notes, options, noiseMultiplier, random, progress => report(name, progress), cancellationToken);
            report($"{name}: trying to get the numbers back", null);
            var after = new Attack(new MemoryProbe(new LlamaWeights(shape, trainer.Trained.Effective), notes, options.Threads), notes, cancellationToken);
            return after.Outcome(noiseMultiplier == 0 ? double.PositiveInfinity : trainer.Account.EpsilonAfter(options.Steps), before);
        }

        return new CanaryReport(before.Outcome(0, before), Trained("Without privacy", 0), Trained("With privacy", noise), options.Delta, noise);
    }

    private static PrivateTrainer Train(
        ModelConfiguration shape, TensorSet weights, CanaryNotes notes, CanaryOptions options, double noise, ISecureRandom random, Action<PrivateTrainingProgress> report,
        CancellationToken cancellationToken)
    {
        var factors = new LowRankFactors(shape, weights, options.Rank, options.Alpha, options.Seed);
        var training = new PrivateTrainingOptions
        {
            SamplingRate = options.SamplingRate, ExpectedBatch = options.SamplingRate * options.Notes, Steps = options.Steps, NoiseMultiplier = noise, ClipNorm = options.ClipNorm,
            LearningRate = options.LearningRate, Delta = new Delta(options.Delta), Threads = options.Threads,
        };
        var trainer = new PrivateTrainer(shape, factors, notes.Members, training, StepRandomness.Fresh(random));
        trainer.Run(report, cancellationToken);
        return trainer;
    }

    /// <summary>What was measured of one model.</summary>
    private sealed class Attack(MemoryProbe probe, CanaryNotes notes, CancellationToken cancellationToken)
    {
        private readonly double[] _exposures = [.. notes.Planted.Select(planted => probe.ExposureBits(planted, cancellationToken)).Order()];
        private readonly int _recited = probe.Recited(cancellationToken).Count(right => right);
        private readonly double[] _members = probe.Losses([.. notes.Members.Skip(notes.Planted.Count)], cancellationToken);
        private readonly double[] _others = probe.Losses(notes.Others, cancellationToken);

        public CanaryOutcome Outcome(double epsilon, Attack before) => new(
            epsilon, _exposures[_exposures.Length / 2], _exposures.Average(), _recited, notes.Planted.Count,
            AreaUnderCurve([.. before._members.Zip(_members, (first, last) => first - last)], [.. before._others.Zip(_others, (first, last) => first - last)]), _others.Average());
    }

    /// <summary>The chance that one of the first is larger than one of the second; ties count half (Mann and Whitney).</summary>
    internal static double AreaUnderCurve(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        var sorted = second.Order().ToArray();
        var sum = first.Sum(value => (Below(sorted, value, orEqual: false) + Below(sorted, value, orEqual: true)) / 2.0);
        return sum / ((double)first.Count * second.Count);
    }

    private static int Below(double[] sorted, double value, bool orEqual)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < value || (orEqual && sorted[middle] == value) ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
