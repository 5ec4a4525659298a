using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary>A peer's certificate, key and trusted authority in a folder of its own.</summary>
internal static class ShardCredentials
{
    public static PeerCredentials Write(string folder, FederationAuthority authority, PeerIdentity identity)
    {
        var (certificate, key) = authority.Issue(identity);
        var (own, secret, trusted) = (Path.Combine(folder, "link.pem"), Path.Combine(folder, "link.key"), Path.Combine(folder, "ca.pem"));
        OwnerOnlyFile.Write(own, certificate);
        OwnerOnlyFile.Write(secret, key);
        OwnerOnlyFile.Write(trusted, authority.Certificate.ExportCertificatePem());
        return PeerCredentials.Load(own, secret, trusted);
    }
}
