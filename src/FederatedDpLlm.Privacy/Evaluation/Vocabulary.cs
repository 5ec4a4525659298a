using System.Text.Json;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Auditing;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>Mechanism names to their answers: a table, one line a mechanism.</summary>
internal static class Vocabulary
{
    private const NeighbouringRelation AddOrRemove = NeighbouringRelation.AddOrRemoveOne;

    public static IReadOnlyDictionary<string, Func<QueryParameters, string, double?[]>> Answers { get; } = new Dictionary<string, Func<QueryParameters, string, double?[]>>
    {
        ["gaussian"] = (p, q) => EventAnswers.Of(VocabularyEvents.Gaussian(p), p, q),
        ["laplace"] = (p, q) => EventAnswers.Of(VocabularyEvents.Laplace(p), p, q),
        ["discrete_laplace"] = (p, q) => EventAnswers.Of(VocabularyEvents.DiscreteLaplace(p), p, q),
        ["discrete_gaussian"] = (p, q) => EventAnswers.Of(VocabularyEvents.DiscreteGaussian(p), p, q),
        ["discrete_gaussian_truncated"] = TruncatedAnswers.Of,
        ["poisson_subsampled_gaussian"] = (p, q) => q == "sigma"
            ? [CalibrationAnswers.SampledGaussianSigma(p)]
            : EventAnswers.Of(VocabularyEvents.SampledGaussian(p, p.Number("sigma")), p, q),
        ["poisson_subsampled_laplace"] = (p, q) => EventAnswers.Of(VocabularyEvents.Laplace(p), p, q),
        ["poisson_subsampled_discrete_laplace"] = (p, q) => EventAnswers.Of(VocabularyEvents.DiscreteLaplace(p), p, q),
        ["without_replacement_gaussian"] = (p, q) => EventAnswers.Of(
            new SampledWithoutReplacementEvent(p.Count("n"), p.Count("m"), new GaussianEvent(p.Number("sigma"), NeighbouringRelation.ReplaceOne)),
            p, q == "rdp_upper_bound" ? "rdp" : q),
        ["mixture_of_gaussians"] = (p, q) => EventAnswers.Of(VocabularyEvents.Mixture(p), p, q),
        ["randomized_response"] = (p, q) => EventAnswers.Of(
            new RandomizedResponseEvent(p.Number("noise"), (int)p.Count("buckets"), p.Relation(NeighbouringRelation.ReplaceOne)), p, q),
        ["exponential_mechanism"] = ExponentialAnswers.Of,
        ["exponential_mechanism_bdp_optimal"] = (p, q) => Only(q, "delta",
            BoundedRangeComposition.OptimalDelta(p.NumberOf("eta_bounded_range", "epsilon_bounded_range"), (int)p.Count("compositions", 1), p.Number("epsilon"))),
        ["pld_heterogeneous"] = (p, q) => EventAnswers.Of(new ComposedEvent(AddOrRemove, p.Parts("parts").Select(VocabularyEvents.Part)), p, q),
        ["single_epoch_tree"] = (p, q) => EventAnswers.Of(new TreeAggregationEvent(p.Number("sigma"), p.Count("steps"), p.Relation(AddOrRemove)), p, q),
        ["single_epoch_multi_tree"] = (p, q) => EventAnswers.Of(
            new TreeAggregationEvent(p.Number("sigma"), (long)p.Numbers("steps").Max(), p.Relation(AddOrRemove)), p, q),
        ["repeat_and_select_laplace"] = (p, q) => EventAnswers.Of(new RepeatAndSelectEvent(
            new PureEvent(new(p.Number("pure_epsilon")), p.Relation(AddOrRemove)), p.Number("mean_repetitions"), p.Number("shape")), p, q),
        ["dclip_exponential"] = DecodingAnswers.Of,
        ["dclip_exponential_calibration"] = (p, q) => Only(q, "clip", DecodingAnswers.Clip(p)),
        ["gnmax_votes"] = (p, q) => EventAnswers.Of(
            new GaussianEvent(p.Number("sigma") / (p.Relation(NeighbouringRelation.ReplaceOne) == NeighbouringRelation.ReplaceOne ? Math.Sqrt(2) : 1), p.Relation(NeighbouringRelation.ReplaceOne)), p, q),
        ["gumbel_votes"] = (p, q) => EventAnswers.Of(
            ExponentialMechanismEvent.ForVotes(p.Number("beta"), p.Number("largest_weight", 1), p.Relation(NeighbouringRelation.ReplaceOne)), p, q),
        ["gaussian_calibration"] = (p, q) => Only(q, "sigma", NoiseCalibration.GaussianSigma(
            new(p.Number("epsilon")), p.Delta(), p.Number("l2_sensitivity", 1) * Math.Sqrt(p.Count("compositions", 1)) * (p.Relation(AddOrRemove) == NeighbouringRelation.ReplaceOne ? 2 : 1))),
        ["laplace_calibration"] = (p, q) => Only(q, "scale", CalibrationAnswers.LaplaceScale(p)),
        ["discrete_laplace_calibration"] = (p, q) => Only(q, "a", CalibrationAnswers.DiscreteLaplaceRate(p)),
        ["gdp_tradeoff"] = (p, q) => q == "tpr"
            ? [.. p.Numbers("fpr").Select(fpr => (double?)HypothesisTesting.GaussianTruePositiveRate(p.Number("mu"), fpr))]
            : throw Unknown(q),
        ["discrete_laplace_sampler"] = SamplerAnswers.DiscreteLaplace,
        ["discrete_gaussian_sampler"] = SamplerAnswers.DiscreteGaussian,
        ["rdp_to_dp"] = (p, q) => Only(q, "epsilon", CompositionAnswers.RenyiToEpsilon(p)),
        ["zcdp_to_dp"] = (p, q) => Only(q, "epsilon", ZeroConcentrated.EpsilonAt(new(p.Number("rho")), p.Delta())),
        ["dp_to_zcdp_budget"] = (p, q) => Only(q, "rho", ZeroConcentrated.RhoFor(new(p.Number("epsilon")), p.Delta()).Value),
        ["kov_optimal"] = CompositionAnswers.KairouzOhViswanath,
        ["pure_dp_optimal"] = (p, q) => q switch
        {
            "epsilon" => [AdvancedComposition.OptimalEpsilon(new(p.Number("epsilon")), default, (int)p.Count("compositions", 1), p.Delta())],
            "delta" => [AdvancedComposition.OptimalDelta(new(p.Number("epsilon")), default, (int)p.Count("compositions", 1), p.Number("total_epsilon"))],
            _ => throw Unknown(q),
        },
        ["drv_advanced"] = (p, q) => Only(q, "epsilon",
            AdvancedComposition.DworkRothblumVadhan(new(p.Number("epsilon")), p.Count("compositions", 1), p.Delta("delta_prime"))),
        ["whitehouse_filter"] = (p, q) => Only(q, "epsilon", Currency.Advanced(p.Delta("delta_prime")).EpsilonOf(p.Numbers("epsilons").Sum(epsilon => epsilon * epsilon))),
        ["basic"] = CompositionAnswers.Basic,
        ["group_privacy"] = (p, q) => Only(q, "rho", p.Number("rho") * p.Number("group_size") * p.Number("group_size")),
        ["parallel"] = (p, q) => Only(q, "rho", p.Json.GetProperty("block_rho").EnumerateObject().Max(block => block.Value.GetDouble())),
        ["budget_reset_growth"] = CompositionAnswers.ResetGrowth,
        ["one_run_p_value"] = (p, q) => Only(q, "p_value",
            OneRunAudit.PValue(p.Count("canaries"), p.Count("guesses"), p.Count("correct"), new(p.Number("epsilon")), new(p.Number("delta", 0)))),
        ["clopper_pearson_upper"] = (p, q) => Only(q, "p_upper", Binomial.UpperBound(p.Count("k"), p.Count("n"), p.Number("significance"))),
    };

    public static double?[] Only(string asked, string known, double value) => asked == known ? [value] : throw Unknown(asked);

    public static QueryException Unknown(string quantity) => new($"quantity '{quantity}' is unknown for this mechanism");
}
