namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// Where hidden states may go. They give a prompt away (88 % of its tokens recovered from a 65B model's activations, arXiv 2503.09022), so a node outside
/// the asking hospital's zone is refused unless an agreement names its zone. Default: deny.
/// </summary>
/// <param name="Home">The asking hospital's own zone.</param>
/// <param name="Agreed">Zones that an explicit agreement opens; every crossing into them is audited.</param>
public sealed record TrustZones(string Home, IReadOnlyCollection<string> Agreed)
{
    /// <summary>How many of the first layers stay at home where an agreement opens other zones; the last one stays too.</summary>
    /// <value>At least 1. Default: 4 (<see cref="HomeEdges.DefaultFirstLayers"/>).</value>
    public int HomeLayers { get; init; } = HomeEdges.DefaultFirstLayers;

    /// <summary>What a plan keeps at home.</summary>
    public HomeEdges Edges => new(Home, HomeLayers);

    /// <summary>The home zone alone.</summary>
    public static TrustZones Only(string home) => new(home, []);

    /// <summary>Whether hidden states may go into <paramref name="zone"/>.</summary>
    public bool Admits(string zone) => zone == Home || Agreed.Contains(zone, StringComparer.Ordinal);

    /// <summary>The shards of a plan that stand outside the home zone.</summary>
    public IReadOnlyList<ShardAssignment> Crossings(ShardPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return [.. plan.Shards.Where(shard => shard.Zone != Home)];
    }
}
