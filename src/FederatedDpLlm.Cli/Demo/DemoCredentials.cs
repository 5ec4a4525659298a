using System.Security.Cryptography;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>
/// The demo's federation authority and token issuer, below <c>DATA/federation/</c>. Their keys stay there: the router gets its own certificate and the
/// issuer's public key, a node its own certificate.
/// </summary>
internal sealed class DemoCredentials : IDisposable
{
    public const string Federation = "demo";
    public const string Issuer = "fedllm-demo";
    public const string Audience = "fedllm-router";
    private readonly FederationAuthority _authority;
    private readonly ECDsa _signingKey;

    private DemoCredentials(FederationAuthority authority, ECDsa signingKey)
    {
        _authority = authority;
        _signingKey = signingKey;
        Tokens = new TokenIssuer(signingKey, Issuer, Audience, TimeProvider.System);
    }

    public TokenIssuer Tokens { get; }

    /// <exception cref="DemoException">What the folder holds are no keys.</exception>
    public static DemoCredentials LoadOrCreate(string dataFolder)
    {
        var folder = Folder(dataFolder);
        try
        {
            return LoadOrCreateIn(folder);
        }
        catch (Exception error) when (error is FileNotFoundException or CryptographicException or ArgumentException)
        {
            throw new DemoException(
                $"The keys in '{folder}' cannot be used: one is missing or damaged ({error.Message}) Restore them, or delete that folder: new ones are made, tokens given out before are void, and budgets stay.", error);
        }
    }

    private static DemoCredentials LoadOrCreateIn(string folder)
    {
        var (certificate, key) = (Path.Combine(folder, "ca.pem"), Path.Combine(folder, "ca.key"));
        if (!File.Exists(key))
        {
            Directory.CreateDirectory(folder);
            using var created = FederationAuthority.Create(Federation, TimeProvider.System);
            OwnerOnlyFile.Write(certificate, created.Certificate.ExportCertificatePem());
            OwnerOnlyFile.Write(key, created.ExportKeyPem());
        }

        var authority = FederationAuthority.Load(Federation, File.ReadAllText(certificate), File.ReadAllText(key), TimeProvider.System);
        return new DemoCredentials(authority, LoadOrCreateSigningKey(folder));
    }

    /// <summary>The issuer of an existing demo folder, to issue more tokens.</summary>
    /// <exception cref="ConfigurationException">No demo has run with this folder.</exception>
    public static TokenIssuer ExistingIssuer(string dataFolder) => File.Exists(SigningKeyPath(Folder(dataFolder)))
        ? new TokenIssuer(LoadOrCreateSigningKey(Folder(dataFolder)), Issuer, Audience, TimeProvider.System)
        : throw new ConfigurationException($"There is no demo federation in '{dataFolder}': start one with 'fedllm demo --data {dataFolder}', or name its folder with --data.");

    /// <summary>Writes a peer's certificate, key and trusted authority into its own folder.</summary>
    public void IssueInto(string folder, PeerIdentity identity) => _authority.IssueInto(folder, identity).Dispose();

    public void WriteTokenPublicKey(string folder) => OwnerOnlyFile.Write(Path.Combine(folder, "tokens.pem"), _signingKey.ExportSubjectPublicKeyInfoPem());

    public void Dispose()
    {
        _authority.Dispose();
        _signingKey.Dispose();
    }

    private static string Folder(string dataFolder) => Path.Combine(dataFolder, "federation");

    private static string SigningKeyPath(string folder) => Path.Combine(folder, "token-signing.key");

    private static ECDsa LoadOrCreateSigningKey(string folder)
    {
        var path = SigningKeyPath(folder);
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(path))
        {
            key.ImportFromPem(File.ReadAllText(path));
        }
        else
        {
            OwnerOnlyFile.Write(path, key.ExportPkcs8PrivateKeyPem());
        }

        return key;
    }
}
