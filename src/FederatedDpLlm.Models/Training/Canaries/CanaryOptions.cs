namespace FederatedDpLlm.Models.Training.Canaries;

/// <summary>The fine-tuning whose memory is measured: the same with and without noise.</summary>
public sealed record CanaryOptions
{
    /// <summary>Notes with a planted number.</summary>
    public int Planted { get; init; } = 100;

    /// <summary>Notes altogether.</summary>
    public int Notes { get; init; } = 1000;

    /// <summary>Notes that no training sees, to compare with.</summary>
    public int Others { get; init; } = 3000;

    /// <summary>Of the notes.</summary>
    public ulong Seed { get; init; } = 16;

    /// <summary>The promise of the private training; at most 8 for what this demonstration claims.</summary>
    public double Epsilon { get; init; } = 3;

    /// <summary>At most one over the number of notes.</summary>
    public double Delta { get; init; } = 1e-5;

    /// <summary>Each note's chance to take part in a step.</summary>
    public double SamplingRate { get; init; } = 0.1;

    /// <summary>Steps.</summary>
    public int Steps { get; init; } = 450;

    /// <summary>Rank of the trained factors.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>Scale of the factors.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>Of both trainings.</summary>
    public double LearningRate { get; init; } = 6e-3;

    /// <summary>Of both trainings.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Threads; results do not depend on them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
