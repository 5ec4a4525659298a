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
        var lessons = new ReadingLessons(recipe.DataSeed);
        var longest = Math.Min(recipe.Training.MicrobatchTokens, recipe.Shape.Context);
        var tokenizer = LearnTokenizer(recipe, lessons);
        TokenizerFile.Write(Path.Combine(folder, TokenizerFile.FileName), tokenizer);
        ConfigurationFile.Write(Path.Combine(folder, ConfigurationFile.FileName), recipe.Shape);

        var checkpoints = Path.Combine(folder, "checkpoints");
        var trainer = new Trainer(recipe.Shape, recipe.Training, TrainingCheckpoint.Latest(checkpoints, [.. TensorShape.Of(recipe.Shape)]));
        var curve = new LossCurve(folder, trainer.Step);
        var encoder = new LessonEncoder(tokenizer);
        trainer.Run(
            (step, number) => encoder.Encode(Lesson(recipe, lessons, recipe.Phases.Last(phase => phase.FromStep <= step), (ulong)step, number), longest),
            progress =>
            {
                report(progress);
                curve.Add(progress);
                if (progress.Step % StepsBetweenCheckpoints == 0)
                {
                    trainer.Checkpoint.Write(checkpoints);
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
