using FederatedDpLlm.Models.Training;

namespace FederatedDpLlm.Models.Tests.Training;

public sealed class PretrainingTests : IDisposable
{
    private static readonly PretrainingRecipe Small = PretrainingRecipe.Ward2M with
    {
        Shape = PretrainingRecipe.Ward2M.Shape with { Width = 32, FeedForwardWidth = 32, Layers = 1, Heads = 1, KeyValueHeads = 1, Vocabulary = 300 },
        TokenizerLessonCount = 20,
        Refinement = null,
        Training = PretrainingRecipe.Ward2M.Training with { Steps = 120, Microbatches = 2, MicrobatchTokens = 512, WarmupSteps = 5 },
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void An_interrupted_training_goes_on_to_the_same_bytes()
    {
        var (whole, broken) = (Path.Combine(_folder.FullName, "whole"), Path.Combine(_folder.FullName, "broken"));
        Pretraining.Run(Small, whole, _ => { }, TestContext.Current.CancellationToken);

        using var interruption = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Pretraining.Run(Small, broken, progress => Interrupt(progress, interruption), interruption.Token));
        Assert.False(File.Exists(Path.Combine(broken, "model.safetensors")));
        var first = 0;
        Pretraining.Run(Small, broken, progress => first = first == 0 ? progress.Step : first, TestContext.Current.CancellationToken);

        Assert.Equal(101, first);
        foreach (var file in new[] { "model.safetensors", "tokenizer.json", "config.json", "loss.csv", "loss.svg" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, file)), File.ReadAllBytes(Path.Combine(broken, file)));
        }
    }

    private static void Interrupt(TrainingProgress progress, CancellationTokenSource interruption)
    {
        if (progress.Step == 110)
        {
            interruption.Cancel();
        }
    }
}
