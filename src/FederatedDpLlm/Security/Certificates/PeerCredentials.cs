using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Security.Certificates;

/// <summary>What a peer holds to take part in the federation's links: its certificate with key, and the authority that it trusts.</summary>
public sealed class PeerCredentials : IDisposable
{
    private PeerCredentials(X509Certificate2 own, X509Certificate2 authority)
    {
        Own = own;
        Authority = authority;
    }

    public X509Certificate2 Own { get; }

    public X509Certificate2 Authority { get; }

    /// <exception cref="ConfigurationException">A file is absent, is not PEM, or key and certificate do not belong together.</exception>
    public static PeerCredentials Load(string certificatePath, string keyPath, string authorityPath)
    {
        try
        {
            return new PeerCredentials(
                X509Certificate2.CreateFromPemFile(certificatePath, keyPath),
                X509CertificateLoader.LoadCertificateFromFile(authorityPath));
        }
        catch (Exception error) when (error is CryptographicException or IOException or ArgumentException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(
                $"The link's credentials cannot be used (certificate '{certificatePath}', key '{keyPath}', authority '{authorityPath}'): {error.Message}", error);
        }
    }

    public void Dispose()
    {
        Own.Dispose();
        Authority.Dispose();
    }
}
