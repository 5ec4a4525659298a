namespace FederatedDpLlm.Models.Training;

/// <summary>How a model is trained; with the corpus, it decides every bit of the result.</summary>
public sealed record TrainingOptions
{
    /// <summary>Of the initial weights.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Number of steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Batches whose gradients are computed apart and then added in order; part of the arithmetic, as the number of threads is not.</summary>
    public int Microbatches { get; init; } = 4;

    /// <summary>Most tokens of a microbatch; examples are taken while they fit.</summary>
    public int MicrobatchTokens { get; init; } = 1024;

    /// <summary>The learning rate after the warm-up; falls to a twentieth in a line at the end.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Steps over which the learning rate rises.</summary>
    public int WarmupSteps { get; init; } = 50;

    /// <summary>The share of the steps, at the end, over which the learning rate falls.</summary>
    public double DecayShare { get; init; } = 0.1;

    /// <summary>Decay of matrices.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Gradients of a larger norm are scaled down to it.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Threads; the result does not depend on them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
