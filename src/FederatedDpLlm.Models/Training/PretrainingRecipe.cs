using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Training;

/// <summary>Everything that decides the bits of a model made by <see cref="Pretraining"/>.</summary>
public sealed record PretrainingRecipe
{
    /// <summary>The recipe of the bundled model.</summary>
    public static PretrainingRecipe Ward { get; } = new()
    {
        Shape = new ModelConfiguration
        {
            Width = 128, FeedForwardWidth = 384, Layers = 6, Heads = 4, KeyValueHeads = 4, HeadSize = 32, Vocabulary = 1024, Context = 1024, TiedHead = true,
            BeginToken = 0, EndTokens = [1],
        },
        DataSeed = 20251122,
        Training = new TrainingOptions { Seed = 1, Steps = 4444, Microbatches = 2, MicrobatchTokens = 1024 },
    };

    /// <summary>The model.</summary>
    public required ModelConfiguration Shape { get; init; }

    /// <summary>Seed of the corpus. Held-out questions have seeds of their own.</summary>
    public required ulong DataSeed { get; init; }

    /// <summary>The optimisation.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>Lessons that the tokenizer is learnt from.</summary>
    public int TokenizerLessons { get; init; } = 3000;
}
