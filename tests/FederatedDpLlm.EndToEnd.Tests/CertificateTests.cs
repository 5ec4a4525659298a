using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Who may speak to a hospital's node: this federation's router, and nobody else.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed partial class CertificateTests(SharedFederation shared)
{
    private const string Federation = "demo";

    [Fact]
    public async Task A_node_listens_to_the_federations_router() => Assert.True(await IsHeardAsync(Issue(Own(), PeerIdentity.Router(Federation))));

    [Fact]
    public async Task A_node_hears_nobody_without_a_certificate() => Assert.False(await IsHeardAsync(null));

    [Fact]
    public async Task A_node_does_not_hear_another_hospital() => Assert.False(await IsHeardAsync(Issue(Own(), PeerIdentity.Hospital(Federation, "hospital-b"))));

    [Fact]
    public async Task A_node_does_not_hear_a_router_of_another_authority() =>
        Assert.False(await IsHeardAsync(Issue(FederationAuthority.Create(Federation, TimeProvider.System), PeerIdentity.Router(Federation))));

    [Fact]
    public async Task A_node_does_not_hear_the_router_over_tls_1_2()
    {
        using var certificate = Issue(Own(), PeerIdentity.Router(Federation));
        using var connection = await ConnectAsync();
        await using var stream = new SslStream(connection.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);

        // In TLS 1.2 the client's side is done only when the server has agreed: a version that is not spoken ends the handshake itself.
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => stream.AuthenticateAsClientAsync(Options(certificate, SslProtocols.Tls12), TestContext.Current.CancellationToken));
        Assert.True(refused is AuthenticationException or IOException, refused.ToString());
    }

    private FederationAuthority Own()
    {
        var folder = Path.Combine(shared.Demo.DataFolder, "federation");
        return FederationAuthority.Load(Federation, File.ReadAllText(Path.Combine(folder, "ca.pem")), File.ReadAllText(Path.Combine(folder, "ca.key")), TimeProvider.System);
    }

    private static X509Certificate2 Issue(FederationAuthority authority, PeerIdentity identity)
    {
        using (authority)
        {
            var (certificate, key) = authority.Issue(identity);
            return X509Certificate2.CreateFromPem(certificate, key);
        }
    }

    // In TLS 1.3 the client's side is done before the server has looked at its certificate: the first bytes of HTTP/2 tell whether it was let in.
    private async Task<bool> IsHeardAsync(X509Certificate2? certificate)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var connection = await ConnectAsync();

        // The node's own certificate is not what is tried here.
        await using var stream = new SslStream(connection.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        try
        {
            await stream.AuthenticateAsClientAsync(Options(certificate, SslProtocols.Tls13), cancel);
            await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray(), cancel);
            return await stream.ReadAsync(new byte[64], cancel) > 0;
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            return false;
        }
        finally
        {
            certificate?.Dispose();
        }
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        var configuration = await File.ReadAllTextAsync(Path.Combine(shared.Demo.DataFolder, "nodes", "hospital-a", "node.yaml"), cancel);
        var connection = new TcpClient();
        await connection.ConnectAsync("127.0.0.1", int.Parse(Listening().Match(configuration).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture), cancel);
        return connection;
    }

    private static SslClientAuthenticationOptions Options(X509Certificate2? certificate, SslProtocols version) => new()
    {
        TargetHost = "hospital-a",
        EnabledSslProtocols = version,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
    };

    [GeneratedRegex(@"^listen: \{address: 127\.0\.0\.1, port: (\d+)\}", RegexOptions.Multiline)]
    private static partial Regex Listening();
}
