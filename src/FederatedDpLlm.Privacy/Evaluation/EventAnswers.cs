using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>What every event can be asked: delta, epsilon, Renyi divergences, rho, pure epsilon, eta.</summary>
internal static class EventAnswers
{
    public static double?[] Of(PrivacyEvent one, QueryParameters p, string quantity)
    {
        var released = one.Times(p.Count("compositions", 1));
        return quantity switch
        {
            "delta" => [Delta(released, p)],
            "epsilon" => [PrivacyLoss.EpsilonAt(released, p.Delta()).Upper],
            "epsilon_lower" => [PrivacyLoss.EpsilonAt(released, p.Delta()).Lower],
            "epsilon_rdp" => [Renyi.EpsilonAt(released, p.Delta(), p.Has("orders") ? p.Numbers("orders") : null)],
            "epsilon_zcdp" => [Zcdp(ZeroConcentrated.RhoOf(released), p.Delta())],
            "rdp" => [.. (p.Has("orders") ? p.Numbers("orders") : p.Numbers("order")).Select(order => (double?)Renyi.DivergenceOf(released, new(order)))],
            "rho" or "rho_zcdp" => [ZeroConcentrated.RhoOf(released)],
            "pure_epsilon" => [PureDp.EpsilonOf(released)],
            "eta" when one is ExponentialMechanismEvent choice => [choice.BoundedRange],
            _ => throw Vocabulary.Unknown(quantity),
        };
    }

    private static double Zcdp(double rho, Delta delta) => double.IsInfinity(rho) ? rho : ZeroConcentrated.EpsilonAt(new(rho), delta);

    private static double Delta(PrivacyEvent released, QueryParameters p)
    {
        var epsilon = p.Number("epsilon");
        return p.Text("adjacency") switch
        {
            null or "REPLACE" or "BOTH" => PrivacyLoss.DeltaAt(released, epsilon).Upper,
            "ADD" or "REM" when released is RepeatedEvent => throw new QueryException("one direction is answered for one release only"),
            "ADD" => PrivacyLoss.DirectedDelta(released, epsilon, remove: false),
            "REM" => PrivacyLoss.DirectedDelta(released, epsilon, remove: true),
            var unknown => throw new QueryException($"adjacency '{unknown}' is unknown"),
        };
    }
}
