using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>Composition theorems and conversions.</summary>
internal static class CompositionAnswers
{
    public static double?[] KairouzOhViswanath(QueryParameters p, string quantity)
    {
        var each = new Delta(p.Number("delta", 0));
        var count = (int)p.Count("compositions", 1);
        return quantity switch
        {
            "epsilon" => [AdvancedComposition.OptimalEpsilonOnGrid(new(p.Number("epsilon")), each, count, p.Delta("total_delta"))],
            "delta" => [AdvancedComposition.OptimalDelta(new(p.Number("epsilon")), each, count, p.Number("total_epsilon"))],
            "epsilon_each" => [AdvancedComposition.EpsilonEach(new(p.Number("total_epsilon")), p.Delta("total_delta"), each, count)],
            _ => throw Vocabulary.Unknown(quantity),
        };
    }

    // Dwork, Roth, Theorem 3.16: epsilons add; deltas as 1 - product of (1 - delta).
    public static double?[] Basic(QueryParameters p, string quantity)
    {
        var pairs = p.Json.GetProperty("pairs").EnumerateArray().Select(pair => (Epsilon: pair[0].GetDouble(), Delta: pair[1].GetDouble())).ToArray();
        double epsilon = pairs.Sum(pair => pair.Epsilon), delta = 1 - pairs.Aggregate(1.0, (rest, pair) => rest * (1 - pair.Delta));
        return quantity switch
        {
            "epsilon" => [!p.Has("delta") || p.Number("delta") >= delta ? epsilon : null],
            "delta" => [!p.Has("epsilon") || p.Number("epsilon") >= epsilon ? delta : Exact(pairs, p.Number("epsilon"))],
            _ => throw Vocabulary.Unknown(quantity),
        };
    }

    public static double RenyiToEpsilon(QueryParameters p)
    {
        var delta = p.Delta();
        return p.Numbers("orders").Zip(p.Numbers("rdp")).Where(point => point.First > 1)
            .Min(point => double.IsInfinity(point.First) ? point.Second
                : delta.Value == 0 ? double.PositiveInfinity
                : Math.Max(0, ConversionCurve.EpsilonOfRenyi(point.Second, point.First - 1, delta.Value)));
    }

    public static double?[] ResetGrowth(QueryParameters p, string quantity)
    {
        var delta = p.Delta("window_delta");
        var growth = Calibration.ResetGrowth.After(
            new(p.Number("window_epsilon")), delta, p.Count("windows"), p.Has("report_delta") ? p.Delta("report_delta") : delta);
        return quantity switch
        {
            "basic_epsilon" => [growth.BasicEpsilon],
            "zcdp_epsilon" => [growth.ConcentratedEpsilon],
            _ => throw Vocabulary.Unknown(quantity),
        };
    }

    private static double Exact((double Epsilon, double Delta)[] pairs, double epsilon) => PrivacyLoss.DeltaAt(
        new ComposedEvent(NeighbouringRelation.ReplaceOne, pairs.Select(pair => new ApproximateEvent(new(pair.Epsilon), new(pair.Delta), NeighbouringRelation.ReplaceOne))), epsilon).Upper;
}
