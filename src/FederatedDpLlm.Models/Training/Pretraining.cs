using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>From a recipe to a model's folder: learns a tokenizer and a model from the synthetic clinic. One recipe gives the same bytes on every machine.</summary>
public static class Pretraining
{
    private const int StepsBetweenCheckpoints = 100;

    // One record at first, so that copying is learnt before choosing whose record to copy from; then mostly several, with more questions about them.
    private static readonly (int FromStep, double Difficulty, int Questions)[] Phases = [(0, 0.15, 8), (1000, 0.6, 8), (3500, 0.95, 16)];

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
        var lessons = new ReadingLessons(recipe.DataSeed);
        var tokenizer = LearnTokenizer(recipe, lessons);
        TokenizerFile.Write(Path.Combine(folder, TokenizerFile.FileName), tokenizer);
        ConfigurationFile.Write(Path.Combine(folder, ConfigurationFile.FileName), recipe.Shape);

        var checkpoints = Path.Combine(folder, "checkpoints");
        var trainer = TrainingCheckpoint.Resume(checkpoints, recipe.Shape, recipe.Training);
        var curve = new LossCurve(folder, trainer.Step);
        var encoder = new LessonEncoder(tokenizer);
        trainer.Run(
            (step, number) => encoder.Encode(Lesson(lessons, step, number), recipe.Training.MicrobatchTokens),
            progress =>
            {
                report(progress);
                curve.Add(progress);
                if (progress.Step % StepsBetweenCheckpoints == 0)
                {
                    TrainingCheckpoint.Write(checkpoints, trainer);
                    curve.Write();
                }
            },
            cancellationToken);
        SafetensorsWriter.Write(Path.Combine(folder, SafetensorsFile.FileName), trainer.Parameters.ToList(), ElementType.BFloat16);
        curve.Write();
        if (Directory.Exists(checkpoints))
        {
            Directory.Delete(checkpoints, recursive: true);
        }
    }

    private static ReadingLesson Lesson(ReadingLessons lessons, int step, int number)
    {
        var phase = Phases.Last(one => one.FromStep <= step);
        return lessons.Lesson((ulong)step, (ulong)number, phase.Difficulty, phase.Questions);
    }

    private static BytePairTokenizer LearnTokenizer(PretrainingRecipe recipe, ReadingLessons lessons)
    {
        var texts = Enumerable.Range(0, recipe.TokenizerLessons)
            .Select(number => lessons.Lesson(TokenizerStep, (ulong)number, Phases[1].Difficulty, Phases[1].Questions))
            .SelectMany(lesson => lesson.Records.Concat(lesson.Exchanges.SelectMany(exchange => new[] { exchange.Question, " " + exchange.Answer })));
        var preTokenizer = new PreTokenizer([PreTokenizer.SingleDigitPattern]);
        var learnt = BytePairTrainer.Train(texts, WardTemplate.ControlTokens, recipe.Shape.Vocabulary, preTokenizer);
        return new BytePairTokenizer(learnt with { BeginToken = recipe.Shape.BeginToken, EndTokens = recipe.Shape.EndTokens }, preTokenizer);
    }
}
