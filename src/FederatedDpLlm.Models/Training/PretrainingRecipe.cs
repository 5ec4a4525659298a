using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Training;

/// <summary>Everything that decides the bits of a model made by <see cref="Pretraining"/>.</summary>
public sealed record PretrainingRecipe
{
    /// <summary>The recipe of ward, which reads the notes in its context.</summary>
    public static PretrainingRecipe Ward { get; } = new()
    {
        Shape = new ModelConfiguration
        {
            Width = 128, FeedForwardWidth = 384, Layers = 6, Heads = 4, KeyValueHeads = 4, HeadSize = 32, Vocabulary = 1024, Context = 1024, TiedHead = true,
            BeginToken = 0, EndTokens = [1],
        },
        DataSeed = 20251122,
        TokenizerLessons = new(0, 0, 0.6, 8),
        Phases = [new(0, 0, 0.15, 8), new(1000, 0, 0.6, 8), new(3500, 0, 0.95, 16)],
        Training = new TrainingOptions { Seed = 1, Steps = 4444, Microbatches = 2, MicrobatchTokens = 1024 },
    };

    /// <summary>The recipe of ward-2m: 1.7 million parameters that give cases their codes.</summary>
    public static PretrainingRecipe Ward2M { get; } = new()
    {
        Shape = new ModelConfiguration
        {
            Width = 128, FeedForwardWidth = 384, Layers = 8, Heads = 8, KeyValueHeads = 4, HeadSize = 16, Vocabulary = 1024, Context = 512, TiedHead = true,
            BeginToken = 0, EndTokens = [1],
        },
        DataSeed = 20261125,
        TokenizerLessons = new(0, 0.8, 0.6, 8),
        Phases = [new(0, 0.8, 0.15, 8), new(800, 1, 0.15, 8)],
        Training = new TrainingOptions { Seed = 1, Steps = 2540, DecayShare = 0.25, Microbatches = 2, MicrobatchTokens = 512, WarmupSteps = 100 },
        Refinement = new TrainingOptions { Seed = 1, Steps = 300, LearningRate = 1.2e-3, DecayShare = 0.9, Microbatches = 4, MicrobatchTokens = 512, WarmupSteps = 20 },
    };

    /// <summary>The model.</summary>
    public required ModelConfiguration Shape { get; init; }

    /// <summary>Seed of the corpus. Held-out questions have seeds of their own.</summary>
    public required ulong DataSeed { get; init; }

    /// <summary>The optimisation.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>
    /// A second training in larger batches that goes on from the weights as they are stored (rounded to BF16), with a fresh optimiser and further lessons; none
    /// where null.
    /// </summary>
    public TrainingOptions? Refinement { get; init; }

    /// <summary>From step to step, how lessons are mixed: one record at first, so that copying is learnt before choosing whose record to copy from.</summary>
    public required IReadOnlyList<PretrainingPhase> Phases { get; init; }

    /// <summary>The mix of lessons that the tokenizer is learnt from.</summary>
    public required PretrainingPhase TokenizerLessons { get; init; }

    /// <summary>How many of them.</summary>
    public int TokenizerLessonCount { get; init; } = 3000;
}
