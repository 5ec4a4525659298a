using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>Clipped-logit decoding: the whole answer's cost, and the clip norm for a promise.</summary>
internal static class DecodingAnswers
{
    public static double?[] Of(QueryParameters p, string quantity)
    {
        var answer = new ClippedLogitDecodingEvent(p.Number("clip"), (int)p.Count("voters"), p.Number("temperature"), p.Relation(NeighbouringRelation.ReplaceByNothing))
            .Times(p.Count("tokens", 1));
        return quantity == "epsilon"
            ? [ZeroConcentrated.EpsilonAt(new(ZeroConcentrated.RhoOf(answer)), p.Delta())]
            : EventAnswers.Of(answer, p, quantity == "epsilon_pld" ? "epsilon" : quantity);
    }

    public static double Clip(QueryParameters p)
    {
        var rho = ZeroConcentrated.RhoFor(new(p.Number("epsilon")), p.Delta()).Value / p.Count("tokens", 1);
        var range = p.Relation(NeighbouringRelation.ReplaceByNothing) == NeighbouringRelation.ReplaceOne ? 4 : 2;
        return Math.Sqrt(8 * rho) * p.Count("voters") * p.Number("temperature") / range;
    }
}
