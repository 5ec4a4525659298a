using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.SecureAggregation.Quantization;

/// <summary>What a round's quantisation and noise must keep; <see cref="QuantizationPlan.For"/> finds the steps and the noise that do.</summary>
public sealed record QuantizationTarget
{
    /// <summary>Values in an update.</summary>
    public required int Dimension { get; init; }

    /// <summary>The largest L2 norm of a hospital's update, in the update's unit; longer ones are scaled down to it.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>The privacy cost of the sum, for one hospital's update under <see cref="Relation"/>.</summary>
    public required Rho Rho { get; init; }

    /// <summary>Which updates are exchanged: <see cref="NeighbouringRelation.ReplaceOne"/> doubles the sensitivity.</summary>
    public NeighbouringRelation Relation { get; init; } = NeighbouringRelation.AddOrRemoveOne;

    /// <summary>Hospitals on the roster.</summary>
    public required int Clients { get; init; }

    /// <summary>The fewest uploads that a sum is made of; a round with fewer aborts.</summary>
    public required int MinimumSurvivors { get; init; }

    /// <summary>Survivors that may collude with the coordinator, who then knows their noise: it is not counted.</summary>
    public int Corrupt { get; init; }

    /// <summary>The width of one quantised, noisy value, 4 to 21 bits.</summary>
    public int ValueBits { get; init; } = 16;

    /// <summary>The public seed (32 bytes) of a randomised Hadamard rotation, which flattens coordinates so that the same bits hold finer steps; empty for none.</summary>
    public ReadOnlyMemory<byte> RotationSeed { get; init; }
}
