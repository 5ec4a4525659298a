using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.Inference;

/// <summary>What releases cost one hospital's patient, as numbers that every account's currency can be computed from.</summary>
/// <param name="Epsilon">At <paramref name="Delta"/>; pure (delta 0) for one choice.</param>
/// <param name="Delta">0 where <paramref name="Epsilon"/> is pure.</param>
/// <param name="Rho">The zCDP bound of all releases together.</param>
/// <param name="Releases">Noised releases: 1 for a choice, a token each for private decoding, 0 for the public path.</param>
public sealed record AnswerCost(Epsilon Epsilon, Delta Delta, Rho Rho, int Releases)
{
    /// <summary>Nothing was released from private data.</summary>
    public static AnswerCost Free { get; } = new(new Epsilon(0), new Delta(0), new Rho(0), 0);
}
