namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>Where a hospital's node answers.</summary>
public sealed record NodeEndpoint
{
    /// <summary>The hospital; the node's certificate must speak for it.</summary>
    public required string Id { get; init; }

    /// <summary><c>https://HOST:PORT</c></summary>
    public required string Address { get; init; }

    /// <summary>The longest id: names stand in every audit entry.</summary>
    public const int LongestId = 64;

    /// <summary>Whether the id is a name and the address one of an HTTPS server.</summary>
    public bool IsUsable => Id.Length is > 0 and <= LongestId && Id.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_' or '.')
        && Uri.TryCreate(Address, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps && address.PathAndQuery == "/";
}
