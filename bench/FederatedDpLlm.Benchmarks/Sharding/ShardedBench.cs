using System.Diagnostics;
using System.Globalization;
using System.Net;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Benchmarks.Sharding;

/// <summary>A model file and shard processes (<c>fedllm shard serve</c>, one thread each) on this machine, for one benchmark.</summary>
internal sealed class ShardedBench : IDisposable
{
    private const string Federation = "bench";
    private const string Zone = "bench";
    private readonly FederationAuthority _authority = FederationAuthority.Create(Federation, TimeProvider.System);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-bench-");
    private readonly List<Process> _processes = [];
    private readonly List<ShardCluster> _clusters = [];
    private readonly PeerCredentials _coordinator;

    public ShardedBench() => _coordinator = Issue("coordinator", PeerIdentity.Coordinator(Federation, Zone));

    public string Folder => _folder.FullName;

    /// <summary>What this process and the shards' have taken of the processors so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _processes.ForEach(process => process.Refresh());
            return _processes.Aggregate(Environment.CpuUsage.TotalTime, (sum, process) => sum + process.TotalProcessorTime);
        }
    }

    /// <summary>Does some tokens' work.</summary>
    /// <returns>Tokens per second of wall time and of all processes' processor time.</returns>
    public async Task<(double Wall, double Processor)> SpeedAsync(int tokens, Func<Task> work)
    {
        var (clock, used) = (Stopwatch.StartNew(), ProcessorTime);
        await work();
        return (tokens / clock.Elapsed.TotalSeconds, tokens / (ProcessorTime - used).TotalSeconds);
    }

    /// <summary>A line for wall time and a line for processor time, medians both.</summary>
    public static IEnumerable<Measurement> Compared(
        string setting, IEnumerable<(double Wall, double Processor)> cut, string peer, IEnumerable<(double Wall, double Processor)> whole)
    {
        var (ours, theirs) = (cut.ToList(), whole.ToList());
        yield return new Measurement(setting, Median.Of(ours.Select(speed => speed.Wall)), "tokens/s", peer, Median.Of(theirs.Select(speed => speed.Wall)));
        yield return new Measurement(setting, Median.Of(ours.Select(speed => speed.Processor)), "tokens/CPU-s", peer, Median.Of(theirs.Select(speed => speed.Processor)));
    }

    /// <summary>The coordinator's own process as a shard.</summary>
    public static ShardEndpoint Own => Endpoint("own", null);

    /// <summary>A shard in a process of its own.</summary>
    public async Task<ShardEndpoint> StartAsync(string model, CancellationToken cancellationToken)
    {
        var node = $"shard-{_processes.Count}";
        Issue(node, PeerIdentity.Shard(Federation, node)).Dispose();
        var configuration = Path.Combine(_folder.FullName, node, "shard.yaml");
        await File.WriteAllTextAsync(
            configuration,
            $"federation: {Federation}\nnode: {node}\nzone: {Zone}\ncoordinator: {Zone}\nmodel: '{model}'\nthreads: 1\nidentity: {{ certificate: link.pem, key: link.key, authority: ca.pem }}\n",
            cancellationToken);
        var program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "FederatedDpLlm.Cli", "release", "fedllm.dll"));
        var start = new ProcessStartInfo("dotnet", [program, "shard", "serve", "--config", configuration]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["FEDLLM_STOP_WITH_INPUT"] = "1";
        var process = Process.Start(start)!;
        _processes.Add(process);
        var port = int.Parse((await process.StandardOutput.ReadLineAsync(cancellationToken))!, CultureInfo.InvariantCulture);
        return Endpoint(node, new IPEndPoint(IPAddress.Loopback, port));
    }

    public async Task<ShardCluster> CutAsync(string path, ShardedModel model, ShardStrategy strategy, IReadOnlyList<ShardEndpoint> nodes, CancellationToken cancellationToken)
    {
        var options = new ShardClusterOptions
        {
            Federation = Federation, Model = path, Nodes = nodes, Zones = TrustZones.Only(Zone), Strategy = strategy,

            // All processes share this machine: they count as equally fast.
            Measure = false,
            Timeouts = new ShardTimeouts { Connect = TimeSpan.FromSeconds(30), Step = TimeSpan.FromMinutes(1) },
        };
        _clusters.Add(await ShardCluster.StartAsync(
            options, model, _coordinator, (_, _) => Task.CompletedTask, TimeProvider.System, NullLogger<ShardCluster>.Instance, cancellationToken));
        return _clusters[^1];
    }

    public void Dispose()
    {
        _clusters.ForEach(cluster => cluster.Dispose());
        foreach (var process in _processes)
        {
            process.Kill();
            process.Dispose();
        }

        _coordinator.Dispose();
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private static ShardEndpoint Endpoint(string node, IPEndPoint? address) => new(new ShardNode(node, Zone, 1000, TimeSpan.FromMilliseconds(0.05), 1L << 40), address);

    private PeerCredentials Issue(string name, PeerIdentity identity) => _authority.IssueInto(Path.Combine(_folder.FullName, name), identity);
}
