using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Training;

/// <summary>Everything that decides the bits of a model made by <see cref="Pretraining"/>.</summary>
public sealed record PretrainingRecipe
{
    /// <summary>
    /// The recipe of ward-2m: 1.7 million parameters that read the notes in their context and give cases their codes. Heads this small have eight rotary pairs,
    /// and only slow ones can match words at any distance, so the base of the wavelengths is large. To choose among several notes is learnt last, in the second
    /// training, which ends with cases again.
    /// </summary>
    public static PretrainingRecipe Ward2M { get; } = new()
    {
        Shape = new ModelConfiguration
        {
            Width = 128, FeedForwardWidth = 384, Layers = 8, Heads = 8, KeyValueHeads = 4, HeadSize = 16, Vocabulary = 1024, Context = 1024, RotaryTheta = 1_000_000,
            TiedHead = true, BeginToken = 0, EndTokens = [1],
        },
        DataSeed = 20251122,
        TokenizerLessons = new(0, 0.6, 0.6, 8),
        Phases = [new(0, 0.5, 0.15, 8), new(1000, 0.7, 0.6, 8), new(3000, 0.8, 0.95, 16), new(5200, 0.4, 1, 16), new(6300, 0.75, 0.9, 16)],
        Training = new TrainingOptions { Seed = 1, Steps = 5200, DecayShare = 0.25, Microbatches = 2, MicrobatchTokens = 1024 },
        Refinement = new TrainingOptions { Seed = 1, Steps = 1600, DecayShare = 0.4, Microbatches = 2, MicrobatchTokens = 1024, WarmupSteps = 20 },
    };

    /// <summary>The model.</summary>
    public required ModelConfiguration Shape { get; init; }

    /// <summary>Seed of the corpus. Held-out questions have seeds of their own.</summary>
    public required ulong DataSeed { get; init; }

    /// <summary>The optimisation.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>
    /// A second training that goes on from the weights as they are stored (rounded to BF16), with a fresh optimiser and further lessons; none
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
