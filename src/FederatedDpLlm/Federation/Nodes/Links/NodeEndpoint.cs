namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>Where a hospital's node answers.</summary>
public sealed record NodeEndpoint
{
    /// <summary>The hospital; the node's certificate must speak for it.</summary>
    public required string Id { get; init; }

    /// <summary><c>https://HOST:PORT</c></summary>
    public required string Address { get; init; }
}
