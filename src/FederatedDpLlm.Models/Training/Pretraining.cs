using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Models.Training.Corpus.Coding;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>From a recipe to a model's folder: learns a tokenizer and a model from the synthetic clinic. One recipe gives the same bytes on every machine.</summary>
public static class Pretraining
{
    private const int StepsBetweenCheckpoints = 100;

    private const ulong CodingStream = 4;
    private const ulong TokenizerStep = ulong.MaxValue;

    /// <summary>Trains and writes <c>config.json</c>, <c>tokenizer.json</c>, <c>model.safetensors</c> (BF16) and the loss curve.</summary>
    /// <param name="recipe">What to make.</param>
    /// <param name="folder">The model's folder; created. Its subfolder <c>checkpoints</c> is gone on from, and removed at the end.</param>
    /// <param name="report">Called after every step.</param>
    /// <param name="cancellationToken">Ends the training between two steps; a checkpoint is kept.</param>
    public static void Run(PretrainingRecipe recipe, string folder, Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(report);
        Directory.CreateDirectory(folder);
        var tokenizer = LearnTokenizer(recipe, new ReadingLessons(recipe.DataSeed));
        TokenizerFile.Write(Path.Combine(folder, TokenizerFile.FileName), tokenizer);
        ConfigurationFile.Write(Path.Combine(folder, ConfigurationFile.FileName), recipe.Shape);

        var checkpoints = Path.Combine(folder, "checkpoints");
        var model = Path.Combine(folder, SafetensorsFile.FileName);
        if (recipe.Refinement is null)
        {
            Train(recipe, recipe.Training, null, 0, tokenizer, checkpoints, folder, model, report, cancellationToken);
        }
        else
        {
            Directory.CreateDirectory(checkpoints);
            var first = Path.Combine(checkpoints, "first.safetensors");
            var tokens = 0L;
            if (!File.Exists(first))
            {
                Train(recipe, recipe.Training, null, 0, tokenizer, checkpoints, folder, first, progress => { tokens = progress.Tokens; report(progress); }, cancellationToken);
            }

            using var stored = SafetensorsFile.Open(first);
            Train(
                recipe, recipe.Refinement, TensorSet.Read(recipe.Shape, stored), recipe.Training.Steps, tokenizer, Path.Combine(checkpoints, "refinement"), folder, model,
                progress => report(progress with { Tokens = tokens + progress.Tokens }), cancellationToken);
        }

        if (Directory.Exists(checkpoints))
        {
            Directory.Delete(checkpoints, recursive: true);
        }
    }

    // Steps of the second training go on where the first one's ended, for lessons, reports and the curve alike. The result appears whole or not at all.
    private static void Train(
        PretrainingRecipe recipe, TrainingOptions options, TensorSet? start, int before, BytePairTokenizer tokenizer, string checkpoints, string folder, string result,
        Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        IReadOnlyList<TensorShape> shapes = [.. TensorShape.Of(recipe.Shape)];
        var state = TrainingCheckpoint.Latest(checkpoints, shapes) ?? (start is null ? null : new TrainingCheckpoint(0, start, new AdamW(shapes)));
        var trainer = new Trainer(recipe.Shape, options, state);
        var curve = new LossCurve(folder, before + trainer.Step);
        var (lessons, encoder) = (new ReadingLessons(recipe.DataSeed), new LessonEncoder(tokenizer));
        var longest = Math.Min(options.MicrobatchTokens, recipe.Shape.Context);
        trainer.Run(
            (step, number) => encoder.Encode(Lesson(recipe, lessons, recipe.Phases.Last(phase => phase.FromStep <= before + step), (ulong)(before + step), number), longest),
            progress =>
            {
                var shown = progress with { Step = before + progress.Step, Steps = recipe.Training.Steps + (recipe.Refinement?.Steps ?? 0) };
                report(shown);
                curve.Add(shown);
                if (progress.Step % StepsBetweenCheckpoints == 0)
                {
                    trainer.Checkpoint.Write(checkpoints);
                    curve.Write();
                }
            },
            cancellationToken);
        curve.Write();
        SafetensorsWriter.Write(result, trainer.Parameters.ToList(), ElementType.BFloat16);
    }

    private static ReadingLesson Lesson(PretrainingRecipe recipe, ReadingLessons lessons, PretrainingPhase phase, ulong step, int number)
    {
        var random = new CounterRandom(recipe.DataSeed, step, (ulong)number, CodingStream);
        if (!random.Chance(phase.CodingShare))
        {
            return lessons.Lesson(step, (ulong)number, phase.Difficulty, phase.Questions);
        }

        var note = CodingClinic.Draw(random);
        return new ReadingLesson([note.Text], [(CodingClinic.Ask(random), note.Code)]);
    }

    private static BytePairTokenizer LearnTokenizer(PretrainingRecipe recipe, ReadingLessons lessons)
    {
        var texts = Enumerable.Range(0, recipe.TokenizerLessonCount)
            .Select(number => Lesson(recipe, lessons, recipe.TokenizerLessons, TokenizerStep, number))
            .SelectMany(lesson => lesson.Records.Concat(lesson.Exchanges.SelectMany(exchange => new[] { exchange.Question, " " + exchange.Answer })));
        var preTokenizer = new PreTokenizer([PreTokenizer.SingleDigitPattern]);
        var learnt = BytePairTrainer.Train(texts, WardTemplate.ControlTokens, recipe.Shape.Vocabulary, preTokenizer);
        return new BytePairTokenizer(learnt with { BeginToken = recipe.Shape.BeginToken, EndTokens = recipe.Shape.EndTokens }, preTokenizer);
    }
}
