using System.CommandLine;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>The options that say what is released: a mechanism, its noise, its sampling, how often.</summary>
internal sealed class ReleaseOptions
{
    public static readonly string[] Mechanisms = ["gaussian", "laplace", "discrete-gaussian", "discrete-laplace", "choice"];

    public Option<string> Mechanism { get; } = new("--mechanism") { Description = string.Join(" | ", Mechanisms), DefaultValueFactory = _ => "gaussian" };

    public Option<double> Noise { get; } = new("--noise")
    {
        Description = "Noise over sensitivity: sigma for the Gaussians, scale for the Laplaces, 1/eta for a choice", DefaultValueFactory = _ => 1,
    };

    public Option<double> Rate { get; } = new("--rate") { Description = "Poisson sampling rate", DefaultValueFactory = _ => 1 };

    public Option<long> Count { get; } = new("--count") { Description = "How many releases", DefaultValueFactory = _ => 1 };

    public Option<double> Delta { get; } = new("--delta") { Description = "The promise's delta", DefaultValueFactory = _ => 1e-6 };

    public Option<NeighbouringRelation> Relation { get; } = new("--relation") { Description = "How neighbours differ; the sensitivity is meant under it", DefaultValueFactory = _ => NeighbouringRelation.AddOrRemoveOne };

    public Option<bool> Json { get; } = JsonLine.Option();

    public void AddTo(Command command, bool withNoise)
    {
        foreach (var option in new Option[] { Mechanism, Rate, Count, Delta, Relation, Json })
        {
            command.Add(option);
        }

        if (withNoise)
        {
            command.Add(Noise);
        }
    }

    /// <summary>The event that the options describe, once, at a noise multiplier.</summary>
    public PrivacyEvent Once(ParseResult parsed, double noise)
    {
        var relation = parsed.GetValue(Relation);
        PrivacyEvent one = parsed.GetValue(Mechanism) switch
        {
            "gaussian" => new GaussianEvent(noise, relation),
            "laplace" => new LaplaceEvent(noise, relation),
            "discrete-gaussian" => new DiscreteGaussianEvent(noise, 1, relation),
            "discrete-laplace" => new DiscreteLaplaceEvent(noise, 1, relation),
            "choice" => new ExponentialMechanismEvent(1 / noise, relation),
            var unknown => throw new ArgumentException($"There is no mechanism '{unknown}'; there are {string.Join(", ", Mechanisms)}."),
        };
        var rate = parsed.GetValue(Rate);
        return rate == 1 ? one : new PoissonSampledEvent(rate, one);
    }

    public PrivacyEvent Of(ParseResult parsed) => Once(parsed, parsed.GetValue(Noise)).Times(parsed.GetValue(Count));

    public Delta DeltaOf(ParseResult parsed) => new(parsed.GetValue(Delta));
}
