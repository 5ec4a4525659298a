using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FederatedDpLlm.Security.Certificates;

/// <summary>
/// Decides whether a certificate shown on a link is the expected peer's: issued by this federation's authority and by nothing else, in its time, for the
/// asked use, carrying exactly the expected identity. The machine's trust store plays no part.
/// </summary>
public sealed class PeerVerification(X509Certificate2 authority)
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>Whether <paramref name="certificate"/> may serve as <paramref name="expected"/>. False gives no reason: the peer is hostile until checked.</summary>
    public bool IsServer(X509Certificate2? certificate, PeerIdentity expected) => IsPeer(certificate, expected, ServerAuthentication);

    /// <summary>Whether <paramref name="certificate"/> may call as <paramref name="expected"/>.</summary>
    public bool IsClient(X509Certificate2? certificate, PeerIdentity expected) => IsPeer(certificate, expected, ClientAuthentication);

    private bool IsPeer(X509Certificate2? certificate, PeerIdentity expected, Oid use)
    {
        if (certificate is null)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(use);
        return chain.Build(certificate) && expected.IsCarriedBy(certificate);
    }
}
