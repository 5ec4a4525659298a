using System.Security.Cryptography.X509Certificates;

namespace FederatedDpLlm.Security.Certificates;

/// <summary>
/// Who a certificate speaks for inside one federation: <c>spiffe://FEDERATION/router</c>, <c>spiffe://FEDERATION/hospital/ID</c>,
/// <c>spiffe://FEDERATION/coordinator/ID</c> (who asks shards for a hospital) or <c>spiffe://FEDERATION/shard/NAME</c>, carried as the one URI of its subject alternative name (the form of SPIFFE's X.509-SVID, section 2).
/// </summary>
public sealed record PeerIdentity(string Federation, string Path)
{
    private const string Scheme = "spiffe://";
    private const string CoordinatorPrefix = "coordinator/";

    public static PeerIdentity Router(string federation) => new(federation, "router");

    public static PeerIdentity Hospital(string federation, string hospital) => new(federation, "hospital/" + hospital);

    public static PeerIdentity Coordinator(string federation, string hospital) => new(federation, CoordinatorPrefix + hospital);

    public static PeerIdentity Shard(string federation, string node) => new(federation, "shard/" + node);

    /// <summary>Whether this peer only calls; the others only serve.</summary>
    public bool IsCaller => Path == "router" || Path.StartsWith(CoordinatorPrefix, StringComparison.Ordinal);

    public string Uri => $"{Scheme}{Federation}/{Path}";

    /// <summary>Whether <paramref name="certificate"/> carries exactly this identity and no other.</summary>
    public bool IsCarriedBy(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().ToList();
        return names is [var only] && SubjectUris.Of(only) is [var uri] && string.Equals(uri, Uri, StringComparison.Ordinal);
    }

    public override string ToString() => Uri;
}
