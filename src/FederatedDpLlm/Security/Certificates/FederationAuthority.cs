using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Security.Certificates;

/// <summary>
/// The certificate authority of one federation: ECDSA P-256, issues short-lived certificates for the router and for each hospital's node.
/// </summary>
public sealed class FederationAuthority : IDisposable
{
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(5 * 365);
    private static readonly TimeSpan PeerLifetime = TimeSpan.FromDays(90);
    // A peer's clock may run behind: a fresh certificate must already be valid there.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(10);
    private readonly TimeProvider _clock;
    private readonly ECDsa _key;

    private FederationAuthority(string federation, X509Certificate2 certificate, ECDsa key, TimeProvider clock)
    {
        Federation = federation;
        Certificate = certificate;
        _key = key;
        _clock = clock;
    }

    public string Federation { get; }

    /// <summary>The authority's own certificate, without its key: what every peer trusts.</summary>
    public X509Certificate2 Certificate { get; }

    public static FederationAuthority Create(string federation, TimeProvider clock)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={federation} federation authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = clock.GetUtcNow();
        using var self = request.CreateSelfSigned(now - ClockSkew, now + AuthorityLifetime);
        return new FederationAuthority(federation, X509CertificateLoader.LoadCertificate(self.RawData), key, clock);
    }

    /// <summary>A certificate with its private key for one peer, both as PEM.</summary>
    public (string CertificatePem, string KeyPem) Issue(PeerIdentity identity)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={identity.Path.Replace('/', ' ')}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        // Router and coordinators only call, nodes and shards only serve: a stolen node key cannot ask other hospitals.
        var use = identity.IsCaller ? "1.3.6.1.5.5.7.3.2" : "1.3.6.1.5.5.7.3.1";
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(identity.Uri));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        var now = _clock.GetUtcNow();
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        using var certificate = request.Create(Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), now - ClockSkew, now + PeerLifetime, serial);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>
    /// Issues what a peer holds into a folder, which is made where it is not: <c>link.pem</c>, <c>link.key</c> and <c>ca.pem</c>, for their owner only.
    /// Certificates that are there are replaced.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public PeerCredentials IssueInto(string folder, PeerIdentity identity)
    {
        Directory.CreateDirectory(folder);
        var (certificate, key) = Issue(identity);
        var own = new LinkIdentityOptions { Certificate = "link.pem", Key = "link.key", Authority = "ca.pem" };
        OwnerOnlyFile.Write(Path.Combine(folder, own.Certificate), certificate);
        OwnerOnlyFile.Write(Path.Combine(folder, own.Key), key);
        OwnerOnlyFile.Write(Path.Combine(folder, own.Authority), Certificate.ExportCertificatePem());
        return own.Load(folder);
    }

    /// <summary>The authority's key as PEM: kept by whoever runs the federation, never by the router or a node.</summary>
    public string ExportKeyPem() => _key.ExportPkcs8PrivateKeyPem();

    public static FederationAuthority Load(string federation, string certificatePem, string keyPem, TimeProvider clock)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(keyPem);
        return new FederationAuthority(federation, X509Certificate2.CreateFromPem(certificatePem), key, clock);
    }

    public void Dispose()
    {
        _key.Dispose();
        Certificate.Dispose();
    }
}
