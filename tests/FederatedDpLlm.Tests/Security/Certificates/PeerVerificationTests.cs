using System.Security.Cryptography.X509Certificates;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Security.Certificates;

public sealed class PeerVerificationTests : IDisposable
{
    private static readonly PeerIdentity HospitalA = PeerIdentity.Hospital("demo", "hospital-a");
    private static readonly PeerIdentity Router = PeerIdentity.Router("demo");
    private readonly FederationAuthority _authority = FederationAuthority.Create("demo", TimeProvider.System);
    private readonly PeerVerification _verification;

    public PeerVerificationTests() => _verification = new PeerVerification(_authority.Certificate);

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void A_hospital_with_the_federations_certificate_is_admitted_as_itself() => Assert.True(_verification.IsServer(Issue(_authority, HospitalA), HospitalA));

    [Fact]
    public void Another_hospitals_certificate_is_refused() =>
        Assert.False(_verification.IsServer(Issue(_authority, PeerIdentity.Hospital("demo", "hospital-b")), HospitalA));

    [Fact]
    public void The_same_name_from_another_authority_is_refused()
    {
        using var rogue = FederationAuthority.Create("demo", TimeProvider.System);
        Assert.False(_verification.IsServer(Issue(rogue, HospitalA), HospitalA));
    }

    [Fact]
    public void No_certificate_is_refused() => Assert.False(_verification.IsClient(null, Router));

    [Fact]
    public void A_hospitals_certificate_cannot_call_as_the_router_nor_serve_in_its_name()
    {
        Assert.False(_verification.IsClient(Issue(_authority, HospitalA), Router));
        Assert.False(_verification.IsClient(Issue(_authority, HospitalA), HospitalA));
        Assert.False(_verification.IsServer(Issue(_authority, Router), Router));
    }

    [Fact]
    public void An_expired_certificate_is_refused()
    {
        var past = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddDays(-120));
        using var then = FederationAuthority.Create("demo", past);
        Assert.False(new PeerVerification(then.Certificate).IsServer(Issue(then, HospitalA), HospitalA));
    }

    [Fact]
    public void The_authority_signs_the_same_after_it_was_saved_and_loaded()
    {
        using var loaded = FederationAuthority.Load("demo", _authority.Certificate.ExportCertificatePem(), _authority.ExportKeyPem(), TimeProvider.System);
        Assert.True(_verification.IsServer(Issue(loaded, HospitalA), HospitalA));
    }

    [Fact]
    public void A_peer_finds_its_credentials_in_its_folder_and_nobody_else_reads_them()
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-peer-");
        try
        {
            var own = Path.Combine(folder.FullName, "hospital-a");
            _authority.IssueInto(own, Router).Dispose();
            using var issued = _authority.IssueInto(own, HospitalA);
            Assert.True(issued.Own.HasPrivateKey);
            Assert.True(new PeerVerification(issued.Authority).IsServer(issued.Own, HospitalA));
            Assert.Equal(["ca.pem", "link.key", "link.pem"], Directory.GetFiles(own).Select(Path.GetFileName).Order(StringComparer.Ordinal));
            if (!OperatingSystem.IsWindows())
            {
                foreach (var file in Directory.GetFiles(own))
                {
                    Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static X509Certificate2 Issue(FederationAuthority authority, PeerIdentity identity)
    {
        var (certificate, key) = authority.Issue(identity);
        return X509Certificate2.CreateFromPem(certificate, key);
    }
}
