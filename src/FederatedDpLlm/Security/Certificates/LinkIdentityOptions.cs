namespace FederatedDpLlm.Security.Certificates;

/// <summary>A peer's own certificate and key for the federation's links, and the authority that it trusts: PEM files, relative to the configuration file.</summary>
public sealed record LinkIdentityOptions
{
    public required string Certificate { get; init; }

    public required string Key { get; init; }

    public required string Authority { get; init; }

    /// <exception cref="Configuration.ConfigurationException">A file is absent, is not PEM, or key and certificate do not belong together.</exception>
    public PeerCredentials Load(string folder) =>
        PeerCredentials.Load(Path.Combine(folder, Certificate), Path.Combine(folder, Key), Path.Combine(folder, Authority));
}
