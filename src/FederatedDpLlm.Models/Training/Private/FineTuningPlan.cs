using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>One hospital's private fine-tuning of a model.</summary>
public sealed record FineTuningPlan
{
    /// <summary>The promise to each patient.</summary>
    public required Epsilon Epsilon { get; init; }

    /// <summary>The delta of the promise; at most one over the number of patients.</summary>
    public Delta Delta { get; init; } = new(1e-5);

    /// <summary>Each patient's chance to take part in a step.</summary>
    public double SamplingRate { get; init; } = 0.1;

    /// <summary>Number of steps.</summary>
    public int Steps { get; init; } = 200;

    /// <summary>Rank of the trained factors.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>Scale of the factors.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>Constant.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>The norm that a patient's gradient is clipped to.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Of the factors' beginning, which is public.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps from a checkpoint to the next.</summary>
    public int StepsBetweenCheckpoints { get; init; } = 10;

    /// <summary>What the records are called, for the adapter's statement.</summary>
    public string Records { get; init; } = string.Empty;

    /// <summary>Threads; the result does not depend on them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
