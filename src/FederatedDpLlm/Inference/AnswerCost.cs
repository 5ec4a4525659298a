using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Inference;

/// <summary>What releases cost one hospital's patient: the event, from which every account takes its own currency's amount, and its figures for people's eyes.</summary>
/// <param name="Released">What was released; the truth from which accounts are charged.</param>
/// <param name="Epsilon">At <paramref name="Delta"/>; pure (delta 0) for one choice.</param>
/// <param name="Delta">0 where <paramref name="Epsilon"/> is pure.</param>
/// <param name="Rho">The zCDP bound of all releases together.</param>
/// <param name="Releases">Noised releases: 1 for a choice, a token each for private decoding, 0 for the public path.</param>
public sealed record AnswerCost(PrivacyEvent Released, Epsilon Epsilon, Delta Delta, Rho Rho, int Releases)
{
    /// <summary>Nothing was released from private data.</summary>
    public static AnswerCost Free { get; } = new(
        new ZeroEvent("public-model", NeighbouringRelation.ReplaceOne), new Epsilon(0), new Delta(0), new Rho(0), 0);

    /// <summary>What several answers cost together, for people's eyes: epsilons and deltas add up (basic composition), and so do rhos.</summary>
    public static AnswerCost Sum(IReadOnlyList<AnswerCost> costs) => costs switch
    {
        [] => Free,
        [var one] => one,
        _ => new AnswerCost(
            new ComposedEvent(costs[0].Released.Relation, costs.Select(cost => cost.Released)),
            new Epsilon(costs.Sum(cost => cost.Epsilon.Value)), new Delta(costs.Sum(cost => cost.Delta.Value)), new Rho(costs.Sum(cost => cost.Rho.Value)),
            costs.Sum(cost => cost.Releases)),
    };

    /// <summary>The cost of <paramref name="releases"/> equal releases one after another: pure where that is the smaller promise, else at <paramref name="delta"/>.</summary>
    public static AnswerCost Of(PrivacyEvent one, int releases, Delta delta)
    {
        if (releases == 0)
        {
            return Free;
        }

        var released = releases == 1 ? one : new RepeatedEvent(one, releases);
        var pure = Currency.Basic(new Delta(0)).CostOf(released);
        var atDelta = Currency.Basic(delta).CostOf(released);
        return new AnswerCost(released, new Epsilon(atDelta), pure <= atDelta ? new Delta(0) : delta, new Rho(ZeroConcentrated.RhoOf(released)), releases);
    }
}
