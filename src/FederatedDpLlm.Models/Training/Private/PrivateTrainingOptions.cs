using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>How a model is trained on private examples. All of it is public; of the examples, only the noisy sums of clipped gradients leave a step.</summary>
public sealed record PrivateTrainingOptions
{
    /// <summary>The chance of each example to take part in a step, independently of the others: above 0, at most 1.</summary>
    public required double SamplingRate { get; init; }

    /// <summary>How many examples a step has on average: the sum is divided by it, as the true number is private.</summary>
    public required double ExpectedBatch { get; init; }

    /// <summary>Number of steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Deviation of the noise divided by what one example can change; 0 for training without privacy.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>Gradients of single examples are scaled down to this norm; above 0.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>The delta of the promise.</summary>
    public Delta Delta { get; init; } = new(1e-5);

    /// <summary>Constant.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Most tokens of a pass; longer examples are refused.</summary>
    public int PassTokens { get; init; } = 1024;

    /// <summary>Threads; the result does not depend on them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Refuses what no training can be done with.</summary>
    /// <exception cref="ArgumentException">An option is out of its range, or an example is too long.</exception>
    internal PrivateTrainingOptions Checked(IReadOnlyList<TrainingExample> examples)
    {
        Demand(SamplingRate is > 0 and <= 1, $"the sampling rate {SamplingRate} is not above 0 and at most 1");
        Demand(ExpectedBatch >= 1 && double.IsFinite(ExpectedBatch), $"an expected batch of {ExpectedBatch} examples is not at least 1");
        Demand(Steps >= 1, $"{Steps} steps are not at least 1");
        Demand(NoiseMultiplier is >= 0 and <= 1000, $"the noise multiplier {NoiseMultiplier} is not within 0 and 1000");
        Demand(ClipNorm is > 1e-6 and < 1e6, $"the clip norm {ClipNorm} is not within 1e-6 and 1e6");
        Demand(Delta.Value > 0, "delta is 0: Gaussian noise keeps no such promise");
        Demand(examples.Count > 0, "there is no example");
        Demand(examples.All(example => example.Rows >= 1 && example.Rows <= PassTokens), $"an example has no token to predict or more than {PassTokens}");
        return this;
    }

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ArgumentException($"This training cannot be done: {otherwise}.");
        }
    }
}
