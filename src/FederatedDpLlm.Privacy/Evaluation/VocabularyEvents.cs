using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>Events from named parameters.</summary>
internal static class VocabularyEvents
{
    public static PrivacyEvent Gaussian(QueryParameters p)
    {
        // A per-record bound doubles where a record is replaced.
        var relation = p.Relation(NeighbouringRelation.AddOrRemoveOne);
        var norm = p.Has("per_record_l2_bound") ? p.Number("per_record_l2_bound") : p.Number("l2_sensitivity", 1);
        return Noisy(p, relation, norm * (relation == NeighbouringRelation.ReplaceOne ? 2 : 1));
    }

    public static PrivacyEvent Laplace(QueryParameters p)
    {
        var relation = p.Relation(NeighbouringRelation.AddOrRemoveOne);
        var sensitivity = p.Number("l1_sensitivity", 1);
        if (p.Has("scales"))
        {
            return new ComposedEvent(relation, p.Numbers("scales").Select(scale => new LaplaceEvent(scale / sensitivity, relation)));
        }

        var multiplier = p.Has("pure_epsilon") ? 1 / p.Number("pure_epsilon") : p.Number("scale") / sensitivity;
        return Sampled(p, new LaplaceEvent(multiplier, relation));
    }

    public static PrivacyEvent DiscreteLaplace(QueryParameters p) => Sampled(p, new DiscreteLaplaceEvent(
        p.Has("a") ? 1 / p.Number("a") : p.Number("scale"), p.Count("sensitivity", 1), p.Relation(NeighbouringRelation.AddOrRemoveOne)));

    public static PrivacyEvent DiscreteGaussian(QueryParameters p) => Sampled(p, new DiscreteGaussianEvent(
        p.Number("sigma"), p.Number("sensitivity", 1), p.Relation(NeighbouringRelation.AddOrRemoveOne)));

    public static PrivacyEvent SampledGaussian(QueryParameters p, double sigma)
    {
        var replaced = p.Text("adjacency") == "REPLACE" || p.Relation(NeighbouringRelation.AddOrRemoveOne) == NeighbouringRelation.ReplaceOne;
        var relation = replaced ? NeighbouringRelation.ReplaceOne : p.Relation(NeighbouringRelation.AddOrRemoveOne);
        var sensitivity = p.Number("l2_sensitivity", 1) * (replaced ? 2 : 1);
        return new PoissonSampledEvent(p.NumberOf("sampling_prob", "q"), new GaussianEvent(sigma / sensitivity, relation));
    }

    public static PrivacyEvent Mixture(QueryParameters p)
    {
        if (!p.Has("first"))
        {
            return new MixtureOfGaussiansEvent(p.Number("sigma"), p.Numbers("sensitivities"), p.Numbers("probs"), NeighbouringRelation.AddOrRemoveOne);
        }

        string[] parts = ["first", "second"];
        return new ComposedEvent(NeighbouringRelation.AddOrRemoveOne, parts.Where(p.Has).Select(p.Part).Select(part => Mixture(part).Times(part.Count("compositions", 1))));
    }

    public static PrivacyEvent Part(QueryParameters p)
    {
        var one = p.Text("m") switch
        {
            "gaussian" => Gaussian(p),
            "laplace" => Laplace(p),
            "discrete_laplace" => DiscreteLaplace(p),
            "discrete_gaussian" => DiscreteGaussian(p),
            "poisson_subsampled_gaussian" => SampledGaussian(p, p.Number("sigma")),
            "exponential_mechanism" => new ExponentialMechanismEvent(p.Number("epsilon_bounded_range"), NeighbouringRelation.AddOrRemoveOne),
            var unknown => throw new QueryException($"mechanism '{unknown}' is unknown as a part"),
        };
        return one.Times(p.Count("k", 1));
    }

    private static PrivacyEvent Noisy(QueryParameters p, NeighbouringRelation relation, double sensitivity)
    {
        var sigma = p.Number("sigma");
        return sensitivity == 0 ? new ZeroEvent("no-sensitivity", relation) : Sampled(p, new GaussianEvent(sigma / sensitivity, relation));
    }

    private static PrivacyEvent Sampled(QueryParameters p, PrivacyEvent one) =>
        p.Has("sampling_prob") && p.Number("sampling_prob") != 1 ? new PoissonSampledEvent(p.Number("sampling_prob"), one) : one;
}
