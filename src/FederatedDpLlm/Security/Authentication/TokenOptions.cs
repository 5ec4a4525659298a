namespace FederatedDpLlm.Security.Authentication;

/// <summary>How bearer tokens are checked.</summary>
public sealed record TokenOptions
{
    /// <summary>The only issuer accepted.</summary>
    public required string Issuer { get; init; }

    /// <summary>The only audience accepted.</summary>
    public required string Audience { get; init; }

    /// <summary>PEM file with the issuer's ECDSA P-256 public key (ES256), relative to the configuration file.</summary>
    public required string PublicKey { get; init; }
}
