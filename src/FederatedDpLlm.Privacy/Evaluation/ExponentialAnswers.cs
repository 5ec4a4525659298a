using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>
/// The exponential mechanism. <c>rdp</c> and <c>epsilon_rdp</c> are the published linear bound, as everywhere in this vocabulary; <c>rdp_tight</c> and <c>epsilon_rdp_tight</c> are the exact worst case
/// that <see cref="Renyi"/> uses.
/// </summary>
internal static class ExponentialAnswers
{
    public static double?[] Of(QueryParameters p, string quantity)
    {
        var choice = new ExponentialMechanismEvent(p.NumberOf("epsilon_bounded_range", "eta_bounded_range"), p.Relation(NeighbouringRelation.ReplaceOne));
        var count = p.Count("compositions", 1);
        return quantity switch
        {
            "rdp" => [.. (p.Has("orders") ? p.Numbers("orders") : p.Numbers("order")).Select(order => (double?)(count * BoundedRangeRenyi.LinearBound(choice.BoundedRange, order)))],
            "epsilon_rdp" => [Epsilon(choice.BoundedRange, count, p.Delta(), p.Has("orders") ? p.Numbers("orders") : [.. RenyiCurve.DefaultOrders])],
            "rdp_tight" => EventAnswers.Of(choice, p, "rdp"),
            "epsilon_rdp_tight" => EventAnswers.Of(choice, p, "epsilon_rdp"),
            _ => EventAnswers.Of(choice, p, quantity),
        };
    }

    private static double Epsilon(double eta, long count, Delta delta, double[] orders) => delta.Value == 0
        ? eta * count
        : orders.Where(order => order > 1)
            .Min(order => Math.Max(0, ConversionCurve.EpsilonOfRenyi(count * BoundedRangeRenyi.LinearBound(eta, order), order - 1, delta.Value)));
}
