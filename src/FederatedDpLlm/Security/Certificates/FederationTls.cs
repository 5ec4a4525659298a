using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace FederatedDpLlm.Security.Certificates;

/// <summary>TLS 1.3 with mutual certificates, both ends: the only way router and nodes speak.</summary>
public static class FederationTls
{
    /// <summary>The listening end: asks for a certificate and admits <paramref name="expectedCaller"/> alone.</summary>
    public static void ConfigureServer(HttpsConnectionAdapterOptions options, PeerCredentials credentials, PeerIdentity expectedCaller)
    {
        var verification = new PeerVerification(credentials.Authority);
        options.ServerCertificate = credentials.Own;
        options.SslProtocols = SslProtocols.Tls13;
        options.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        options.CheckCertificateRevocation = false;
        options.ClientCertificateValidation = (certificate, _, _) => verification.IsClient(certificate, expectedCaller);
    }

    /// <summary>As <see cref="ConfigureServer"/>, for a plain socket.</summary>
    public static SslServerAuthenticationOptions ServerOptions(PeerCredentials credentials, PeerIdentity expectedCaller)
    {
        var verification = new PeerVerification(credentials.Authority);
        return new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ServerCertificate = credentials.Own,
            ClientCertificateRequired = true,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => verification.IsClient(certificate as X509Certificate2, expectedCaller),
        };
    }

    /// <summary>The calling end: speaks only to <paramref name="expectedServer"/>, whatever the address says.</summary>
    public static SslClientAuthenticationOptions ClientOptions(PeerCredentials credentials, PeerIdentity expectedServer)
    {
        var verification = new PeerVerification(credentials.Authority);
        return new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificates = [credentials.Own],
            LocalCertificateSelectionCallback = (_, _, _, _, _) => credentials.Own,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => verification.IsServer(certificate as X509Certificate2, expectedServer),
        };
    }
}
