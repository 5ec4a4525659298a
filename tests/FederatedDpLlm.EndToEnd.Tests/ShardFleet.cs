using System.Diagnostics;
using System.Globalization;
using System.Net;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Shards as processes (<c>fedllm shard serve</c>), started ahead so that one is at hand when another was killed.</summary>
internal sealed class ShardFleet : IDisposable
{
    public const string Federation = "fleet";
    public const string Zone = "hospital-a";
    private readonly FederationAuthority _authority = FederationAuthority.Create(Federation, TimeProvider.System);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();
    private readonly List<Member> _members = [];
    private int _started;

    public ShardFleet() => Coordinator = Credentials("coordinator", PeerIdentity.Coordinator(Federation, Zone));

    public PeerCredentials Coordinator { get; }

    /// <summary>As many living shards as asked for, new ones started where some are missing.</summary>
    public async Task<IReadOnlyList<Member>> TakeAsync(int count)
    {
        _members.RemoveAll(member => member.HasExited);
        var missing = Enumerable.Range(0, Math.Max(0, count - _members.Count)).Select(_ => StartAsync(_started++)).ToList();
        _members.AddRange(await Task.WhenAll(missing));
        return [.. _members.Take(count)];
    }

    public void Dispose()
    {
        _members.ForEach(member => member.Dispose());
        Coordinator.Dispose();
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private PeerCredentials Credentials(string name, PeerIdentity identity) => _authority.IssueInto(Path.Combine(_folder.FullName, name), identity);

    private async Task<Member> StartAsync(int number)
    {
        var node = $"shard-{number}";
        Credentials(node, PeerIdentity.Shard(Federation, node)).Dispose();
        var configuration = Path.Combine(_folder.FullName, node, "shard.yaml");
        await File.WriteAllTextAsync(configuration, $$"""
            federation: {{Federation}}
            node: {{node}}
            zone: {{Zone}}
            coordinator: {{Zone}}
            model: '{{BundledModel.Folder}}'
            identity: { certificate: link.pem, key: link.key, authority: ca.pem }
            """);
        var process = Cli.Start(["shard", "serve", "--config", configuration], [("FEDLLM_STOP_WITH_INPUT", "1")]);
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        var port = int.Parse((await process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        return new Member(new ShardEndpoint(new ShardNode(node, Zone, 1000, TimeSpan.FromMilliseconds(0.1), 1L << 40), new IPEndPoint(IPAddress.Loopback, port)), process);
    }

    internal sealed class Member(ShardEndpoint endpoint, Process process) : IDisposable
    {
        private volatile bool _killed;

        public ShardEndpoint Endpoint => endpoint;

        // Killed is dead, also before the kernel has told.
        public bool HasExited => _killed || process.HasExited;

        /// <summary>SIGKILL.</summary>
        public void Kill()
        {
            _killed = true;
            process.Kill();
        }

        /// <summary>SIGSTOP: the process and its sockets stay, nothing moves.</summary>
        public void Stop()
        {
            using var signal = Process.Start("kill", ["-STOP", process.Id.ToString(CultureInfo.InvariantCulture)]);
            signal.WaitForExit();
        }

        public void Dispose()
        {
            process.Kill();
            process.Dispose();
        }
    }
}
