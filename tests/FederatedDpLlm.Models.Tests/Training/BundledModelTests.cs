using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>The committed model: what it can do, and that it is what its recipe makes.</summary>
public sealed class BundledModelTests
{
    private static readonly string Folder = Repository.Path("models", "ward");

    // 60 questions at the measured accuracy (above 95 %) give 48 right ones or fewer with a chance below 1e-5; the questions are seeded all the same.
    [Fact]
    public void It_answers_held_out_questions_from_the_note_in_its_context() =>
        Assert.InRange(ReadingEvaluation.Accuracy(LanguageModel.Load(Folder), 60, 1, TestContext.Current.CancellationToken), 0.8, 1);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void It_answers_at_least_four_fifths_of_500_held_out_questions() =>
        Assert.InRange(ReadingEvaluation.Accuracy(LanguageModel.Load(Folder), 500, 1, TestContext.Current.CancellationToken), 0.8, 1);

    [Fact]
    public void It_is_small_and_has_the_shape_of_its_recipe()
    {
        Assert.InRange(new FileInfo(Path.Combine(Folder, "model.safetensors")).Length, 1, 10_000_000);
        var shape = ConfigurationFile.Read(Path.Combine(Folder, ConfigurationFile.FileName));
        Assert.Equivalent(PretrainingRecipe.Ward.Shape, shape, strict: true);
    }

    [Fact, Trait(TestLength.Name, TestLength.Long)]
    public void Its_recipe_makes_the_same_bytes_again()
    {
        var again = Directory.CreateTempSubdirectory();
        try
        {
            Pretraining.Run(PretrainingRecipe.Ward, again.FullName, _ => { }, TestContext.Current.CancellationToken);
            foreach (var file in new[] { "model.safetensors", "tokenizer.json", "config.json" })
            {
                Assert.Equal(File.ReadAllBytes(Path.Combine(Folder, file)), File.ReadAllBytes(Path.Combine(again.FullName, file)));
            }
        }
        finally
        {
            again.Delete(recursive: true);
        }
    }
}
