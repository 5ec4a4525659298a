using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// Fine-tunes a model on a hospital's notes with a promise to each patient: all of a patient's notes are one example. What is written is an adapter in PEFT's
/// layout, which is safe to show, and while the training runs a folder of checkpoints, which is not. The number of patients counts as public; losses and clipped
/// shares are reported without noise and are for the hospital's own eyes.
/// </summary>
public static class PrivateFineTuning
{
    // Short examples share a pass.
    private const int FewestPassTokens = 1024;

    private const string SecretName = "secret";

    /// <summary>Trains, or goes on from the last checkpoint in <paramref name="output"/>; the resumed training ends in the same bytes.</summary>
    /// <param name="model">The base model's safetensors folder or GGUF file.</param>
    /// <param name="patients">The notes of each patient.</param>
    /// <param name="plan">The promise and the training.</param>
    /// <param name="output">The adapter's folder; created.</param>
    /// <param name="random">Of the training's secret, from which subsets and noise are drawn.</param>
    /// <param name="report">Called after every step.</param>
    /// <param name="cancellationToken">Ends the training between two steps; a checkpoint is kept.</param>
    /// <exception cref="ModelFormatException">The base model or a checkpoint cannot be read.</exception>
    /// <exception cref="ArgumentException">The plan cannot be carried out, or the checkpoints in <paramref name="output"/> are another training's.</exception>
    public static FineTuningResult Run(
        string model, IReadOnlyList<IReadOnlyList<string>> patients, FineTuningPlan plan, string output, ISecureRandom random, Action<PrivateTrainingProgress> report,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(patients);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(report);
        using var source = ModelSource.Open(model);
        var (shape, tokenizer) = (source.Configuration, source.Tokenizer);
        var weights = TensorSet.Read(shape, source.Tensors);
        var factors = new LowRankFactors(shape, weights, plan.Rank, plan.Alpha, plan.Seed);
        var examples = patients.Select(notes => Example(notes, tokenizer, shape.Context)).ToList();
        var options = Options(plan, examples, shape);
        var checkpoints = Path.Combine(output, "checkpoints");
        var (randomness, latest) = (Randomness(checkpoints, random), TrainingCheckpoint.Latest(checkpoints, factors.Values.Shapes));
        TrainingFingerprint.Require(checkpoints, latest is not null, randomness, plan, examples, weights);
        var trainer = new PrivateTrainer(shape, factors, examples, options, randomness, latest);
        while (trainer.Step < options.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            report(trainer.Next());
            if (trainer.Step % plan.StepsBetweenCheckpoints == 0)
            {
                trainer.Checkpoint.Write(checkpoints);
            }
        }

        PeftAdapter.Write(output, factors.ToAdapter(), BaseName(model));
        var statement = StatementOf(output, model, plan, options, trainer.Account);
        statement.Write(AdapterStatement.Beside(output));
        Directory.Delete(checkpoints, recursive: true);
        return new FineTuningResult(statement.Epsilon, options.NoiseMultiplier, trainer.Account.EventAfter(options.Steps), patients.Count, statement);
    }

    private static PrivateTrainingOptions Options(FineTuningPlan plan, List<TrainingExample> examples, ModelConfiguration shape) => new()
    {
        SamplingRate = plan.SamplingRate,
        ExpectedBatch = Math.Max(1, plan.SamplingRate * examples.Count),
        Steps = plan.Steps,
        NoiseMultiplier = TrainingAccount.NoiseFor(plan.Epsilon, plan.Delta, plan.SamplingRate, plan.Steps),
        ClipNorm = plan.ClipNorm,
        LearningRate = plan.LearningRate,
        Delta = plan.Delta,

        // As much memory as the longest patient needs, not as the model's context would: a published model's is of tens of thousands.
        PassTokens = Math.Max(Math.Min(FewestPassTokens, shape.Context), examples.Select(example => example.Rows).DefaultIfEmpty(0).Max()),
        Threads = plan.Threads,
    };

    // A patient is one example, however many notes there are: what does not fit is left out.
    private static TrainingExample Example(IReadOnlyList<string> notes, ITokenizer tokenizer, int longest)
    {
        var record = tokenizer.ControlToken(WardTemplate.Record);
        var begin = tokenizer.BeginToken ?? tokenizer.ControlToken(WardTemplate.Begin) ?? 0;
        var (tokens, weights) = (new List<int> { begin }, new List<float> { 0 });
        foreach (var note in notes)
        {
            tokens.AddRange(record is { } control ? [control, .. tokenizer.Encode(note)] : tokenizer.Encode(note));
            weights.AddRange(Enumerable.Range(weights.Count, tokens.Count - weights.Count).Select((_, place) => record is not null && place == 0 ? 0f : 1f));
        }

        // One token more than goes through the model: the last one is only predicted.
        return new TrainingExample([.. tokens.Take(longest + 1)], [.. weights.Take(longest + 1)]);
    }

    // The secret stands in a file that only its owner may read, before the first step that draws from it.
    private static StepRandomness Randomness(string checkpoints, ISecureRandom random)
    {
        Directory.CreateDirectory(checkpoints);
        return new StepRandomness(WholeFile.ReadOrCreate(Path.Combine(checkpoints, SecretName), () => StepRandomness.Fresh(random).Secret.ToArray()));
    }

    private static AdapterStatement StatementOf(string output, string model, FineTuningPlan plan, PrivateTrainingOptions options, TrainingAccount account) => new()
    {
        WeightsSha256 = AdapterStatement.DigestOf(output),
        Unit = AdapterStatement.PatientUnit,
        NoiseMultiplier = options.NoiseMultiplier,
        SamplingRate = options.SamplingRate,
        Steps = options.Steps,
        NoiseDistance = account.DistanceAfter(options.Steps),
        Epsilon = account.EpsilonAfter(options.Steps),
        Delta = options.Delta.Value,
        Relation = nameof(Privacy.NeighbouringRelation.AddOrRemoveOne),
        Records = plan.Records,
        BaseModel = BaseName(model),
    };

    private static string BaseName(string model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)));
}
