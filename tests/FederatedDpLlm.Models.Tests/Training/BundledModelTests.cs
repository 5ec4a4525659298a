using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Models.Training.Corpus.Coding;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>The committed models: what they can do, and that they are what their recipes make.</summary>
public sealed class BundledModelTests
{
    private const string Reader = "ward";
    private const string Coder = "ward-2m";

    public static TheoryData<string> Names => [Reader, Coder];

    // 60 questions at the measured accuracy (above 95 %) give 48 right ones or fewer with a chance below 1e-5; the questions are seeded all the same.
    [Fact]
    public void The_reader_answers_held_out_questions_from_the_note_in_its_context() =>
        Assert.InRange(ReadingEvaluation.Accuracy(LanguageModel.Load(Folder(Reader)), 60, 1, TestContext.Current.CancellationToken), 0.8, 1);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void The_reader_answers_at_least_four_fifths_of_500_held_out_questions() =>
        Assert.InRange(ReadingEvaluation.Accuracy(LanguageModel.Load(Folder(Reader)), 500, 1, TestContext.Current.CancellationToken), 0.8, 1);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void The_reader_finds_the_right_note_among_three_for_at_least_three_fifths_of_500_held_out_questions() =>
        Assert.InRange(ReadingEvaluation.Accuracy(LanguageModel.Load(Folder(Reader)), 500, 3, TestContext.Current.CancellationToken), 0.6, 1);

    // 160 codes: guessing is right once in 160 times. The cases are seeded.
    [Fact]
    public void The_coder_codes_held_out_cases()
    {
        var (accuracy, best) = CodingEvaluation.Measure(LanguageModel.Load(Folder(Coder)), 100, TestContext.Current.CancellationToken);
        Assert.InRange(best, 0.8, 0.95);
        Assert.InRange(accuracy, 0.7, 1);
    }

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void The_coder_is_right_at_least_nine_tenths_as_often_as_the_best_possible_answers()
    {
        var (accuracy, best) = CodingEvaluation.Measure(LanguageModel.Load(Folder(Coder)), 2000, TestContext.Current.CancellationToken);
        Assert.InRange(accuracy / best, 0.9, 1.05);
    }

    [Theory, MemberData(nameof(Names))]
    public void It_is_small_and_has_the_shape_of_its_recipe(string name)
    {
        Assert.InRange(new FileInfo(Path.Combine(Folder(name), "model.safetensors")).Length, 1, 10_000_000);
        Assert.Equivalent(Recipe(name).Shape, ConfigurationFile.Read(Path.Combine(Folder(name), ConfigurationFile.FileName)), strict: true);
    }

    // The norm of all gradients after twenty steps and ten of the refinement hangs on every bit before it: whoever changes the arithmetic of the forward or backward
    // pass, or the corpus, hears of it here and not only from the whole training below.
    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void The_first_steps_of_the_coders_training_give_the_same_bits_as_ever()
    {
        var recipe = Recipe(Coder);
        var start = recipe with { Training = recipe.Training with { Steps = 20, DecayShare = 0 }, Refinement = recipe.Refinement! with { Steps = 10 } };
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            TrainingProgress? last = null;
            Pretraining.Run(start, folder.FullName, progress => last = progress, TestContext.Current.CancellationToken);
            Assert.Equal(FirstSteps, last!.GradientNorm);
            Assert.Equal(File.ReadAllBytes(Path.Combine(Folder(Coder), "tokenizer.json")), File.ReadAllBytes(Path.Combine(folder.FullName, "tokenizer.json")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private const double FirstSteps = 2.175460612565371;

    [Theory, MemberData(nameof(Names)), Trait(TestLength.Name, TestLength.Long)]
    public void Its_recipe_makes_the_same_bytes_again(string name)
    {
        var again = Directory.CreateTempSubdirectory();
        try
        {
            Pretraining.Run(Recipe(name), again.FullName, _ => { }, TestContext.Current.CancellationToken);
            foreach (var file in new[] { "model.safetensors", "tokenizer.json", "config.json" })
            {
                Assert.Equal(File.ReadAllBytes(Path.Combine(Folder(name), file)), File.ReadAllBytes(Path.Combine(again.FullName, file)));
            }
        }
        finally
        {
            again.Delete(recursive: true);
        }
    }

    private static string Folder(string name) => Repository.Path("models", name);

    private static PretrainingRecipe Recipe(string name) => name == Reader ? PretrainingRecipe.Ward : PretrainingRecipe.Ward2M;
}
