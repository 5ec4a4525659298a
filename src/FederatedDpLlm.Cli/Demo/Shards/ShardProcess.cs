using System.Diagnostics;
using System.Globalization;
using System.Net;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary>One shard as a process of its own; it ends with its standard input, so nothing stays behind.</summary>
internal sealed class ShardProcess : IDisposable
{
    private readonly Process _process;

    private ShardProcess(string node, string zone, Process process, int port)
    {
        _process = process;
        Endpoint = new ShardEndpoint(new ShardNode(node, zone, 1000, TimeSpan.FromMilliseconds(0.05), 2L << 30), new IPEndPoint(IPAddress.Loopback, port));
    }

    public ShardEndpoint Endpoint { get; }

    public int ProcessId => _process.Id;

    /// <summary>Writes its certificate and configuration below <paramref name="folder"/>, starts it and waits until it listens.</summary>
    /// <exception cref="ShardsUnavailableException">It ends before it listens.</exception>
    public static async Task<ShardProcess> StartAsync(string folder, FederationAuthority authority, string coordinator, string node, string zone, string model, CancellationToken cancellationToken)
    {
        var own = Path.Combine(folder, node);
        authority.IssueInto(own, PeerIdentity.Shard(authority.Federation, node)).Dispose();
        var configuration = Path.Combine(own, "shard.yaml");
        OwnerOnlyFile.Write(configuration, $"""
            federation: {authority.Federation}
            node: {node}
            zone: {zone}
            coordinator: {coordinator}
            model: '{model.Replace("'", "''", StringComparison.Ordinal)}'
            identity:
              certificate: link.pem
              key: link.key
              authority: ca.pem
            """);
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "fedllm.dll"), "shard", "serve", "--config", configuration },
            Environment = { ["FEDLLM_STOP_WITH_INPUT"] = "1" },
        };
        var process = Process.Start(start) ?? throw new ShardsUnavailableException($"The shard '{node}' could not be started.");
        process.ErrorDataReceived += (_, line) => Console.Error.Write(string.IsNullOrWhiteSpace(line.Data) ? string.Empty : $"[{node}] {line.Data}\n");
        process.BeginErrorReadLine();
        if (!int.TryParse(await process.StandardOutput.ReadLineAsync(cancellationToken), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            process.Dispose();
            throw new ShardsUnavailableException($"The shard '{node}' ended before it listened; its own message stands above.");
        }

        return new ShardProcess(node, zone, process, port);
    }

    /// <summary>SIGKILL: no chance to say goodbye.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        _process.StandardInput.Dispose();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
