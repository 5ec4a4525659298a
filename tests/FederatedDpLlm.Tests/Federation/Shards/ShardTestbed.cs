using System.Net;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Tests.Federation.Shards;

/// <summary>A federation's certificates, shard hosts in this process behind real TLS, and the unsharded run to compare with.</summary>
internal sealed class ShardTestbed : IDisposable
{
    public const string Federation = "test";
    public const string Hospital = "hospital-a";
    public const string Zone = "hospital-a";
    private static readonly Lazy<ShardedModel> LoadedModel = new(() => ShardedModel.Load(BundledModel.Folder));
    private static readonly Lazy<(int[] Prompt, List<float[]> Logits)> WholeRun = new(RunWhole);
    private readonly FederationAuthority _authority = FederationAuthority.Create(Federation, TimeProvider.System);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();
    private readonly List<IDisposable> _owned = [];

    public ShardTestbed()
    {
        Coordinator = Credentials(PeerIdentity.Coordinator(Federation, Hospital));
        Audit = RecordAsync;
    }

    public static ShardedModel Model => LoadedModel.Value;

    public PeerCredentials Coordinator { get; }

    public List<AuditRecord> Audited { get; } = [];

    /// <summary>Where crossings are recorded.</summary>
    public Func<AuditRecord, CancellationToken, Task> Audit { get; set; }

    /// <summary>The unsharded logits of the test's prompt, token by token.</summary>
    public static IReadOnlyList<float[]> Whole => WholeRun.Value.Logits;

    public PeerCredentials Credentials(PeerIdentity identity, FederationAuthority? authority = null)
    {
        var folder = Path.Combine(_folder.FullName, Guid.NewGuid().ToString("N"));
        var issued = Own((authority ?? _authority).IssueInto(folder, identity));
        if (authority is null)
        {
            return issued;
        }

        // A stranger that trusts this federation: only the other side can refuse it.
        File.WriteAllText(Path.Combine(folder, "ca.pem"), _authority.Certificate.ExportCertificatePem());
        return Own(PeerCredentials.Load(Path.Combine(folder, "link.pem"), Path.Combine(folder, "link.key"), Path.Combine(folder, "ca.pem")));
    }

    public ShardHostOptions HostOptions(string node, string zone = Zone, string? model = null) => new()
    {
        Federation = Federation, Node = node, Zone = zone, Coordinator = Hospital, Model = model ?? BundledModel.Folder,
        HandshakeWithin = TimeSpan.FromSeconds(2), FrameWithin = TimeSpan.FromSeconds(2),
    };

    /// <summary>A shard host in this process.</summary>
    public ShardEndpoint Host(string node, string zone = Zone, PeerCredentials? credentials = null, string? model = null)
    {
        var host = Own(ShardHost.Start(
            new IPEndPoint(IPAddress.Loopback, 0), HostOptions(node, zone, model), credentials ?? Credentials(PeerIdentity.Shard(Federation, node)), TimeProvider.System, NullLogger<ShardHost>.Instance));
        return Endpoint(node, host.EndPoint, zone);
    }

    /// <summary>Ends a host of this testbed: every connection to it breaks.</summary>
    public void End(ShardEndpoint endpoint) => _owned.OfType<ShardHost>().Single(host => Equals(host.EndPoint, endpoint.Address)).Dispose();

    public static ShardEndpoint Endpoint(string node, IPEndPoint address, string zone = Zone) =>
        new(new ShardNode(node, zone, 1000, TimeSpan.FromMilliseconds(0.1), 1L << 40), address);

    public Task<ShardCluster> StartAsync(ShardStrategy strategy, IReadOnlyList<ShardEndpoint> nodes, IReadOnlyList<ShardEndpoint>? spares = null, TrustZones? zones = null, bool measure = false,
        string? model = null) =>
        ShardCluster.StartAsync(
            new ShardClusterOptions
            {
                Federation = Federation, Model = model ?? BundledModel.Folder, Nodes = nodes, Spares = spares ?? [], Zones = zones ?? TrustZones.Only(Zone), Strategy = strategy, Measure = measure,
                Timeouts = new ShardTimeouts { Connect = TimeSpan.FromSeconds(3), Load = TimeSpan.FromSeconds(20), Step = TimeSpan.FromMilliseconds(700) },
            },
            model is null ? Model : ShardedModel.Load(model), Coordinator, Audit, TimeProvider.System, NullLogger<ShardCluster>.Instance, TestContext.Current.CancellationToken);

    /// <summary>The unsharded logits of some tokens, one after the other.</summary>
    public static List<float[]> RunWhole(string path, int[] prompt, int count)
    {
        using var batch = LanguageModel.Load(path, 1).OpenBatch([prompt], CancellationToken.None);
        var logits = new List<float[]>();
        for (var token = 0; token < count; token++)
        {
            logits.Add(batch.Logits(0).ToArray());
            batch.Append(TokenSampler.Largest(batch.Logits(0)), CancellationToken.None);
        }

        return logits;
    }

    /// <summary>Generates as many tokens as the unsharded run has and compares every logit's bits.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="afterToken">Called with the number of tokens so far.</param>
    public static Task RequireWholeRunAsync(ShardCluster cluster, Action<int>? afterToken = null) =>
        RequireAsync(cluster, WholeRun.Value.Prompt, Whole, afterToken);

    /// <summary>Generates behind a prompt and compares every logit's bits.</summary>
    public static async Task RequireAsync(ShardCluster cluster, int[] prompt, IReadOnlyList<float[]> whole, Action<int>? afterToken = null)
    {
        using var session = cluster.Open("request", "tester");
        ReadOnlyMemory<int> next = prompt;
        for (var token = 0; token < whole.Count; token++)
        {
            var logits = await session.AppendAsync(next, TestContext.Current.CancellationToken);
            Assert.Equal(whole[token], logits);
            next = new[] { TokenSampler.Largest(logits) };
            afterToken?.Invoke(token + 1);
        }
    }

    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    public void Dispose()
    {
        _owned.ForEach(owned => owned.Dispose());
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private Task RecordAsync(AuditRecord record, CancellationToken cancellationToken)
    {
        Audited.Add(record);
        return Task.CompletedTask;
    }

    private static (int[] Prompt, List<float[]> Logits) RunWhole()
    {
        var model = LanguageModel.Load(BundledModel.Folder, 1);
        int[] prompt = [.. model.Tokenizer.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode("Patient with chest pain since two hours. Which department sees it first?")];
        return (prompt, RunWhole(BundledModel.Folder, prompt, 12));
    }
}
