using System.Net;
using System.Net.Sockets;
using FederatedDpLlm.Cli.Commands;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Hosting;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary><c>fedllm shard serve</c>: a shard host for as long as the process lives.</summary>
internal static class ShardServe
{
    public static async Task<int> RunAsync(string path, CancellationToken cancellationToken)
    {
        var configuration = ShardConfiguration.Load(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        using var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(options => options.SingleLine = true).AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace));
        using var credentials = configuration.Identity.Load(folder);
        using var host = Listen(configuration, folder, credentials, loggers.CreateLogger<ShardHost>());

        // The parent reads the port here.
        Console.Out.WriteLine(host.EndPoint.Port);
        await (StopWithInput.IsAsked ? Console.OpenStandardInput().CopyToAsync(Stream.Null, cancellationToken) : Task.Delay(Timeout.Infinite, cancellationToken))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ExitCode.Good;
    }

    private static ShardHost Listen(ShardConfiguration configuration, string folder, PeerCredentials credentials, ILogger<ShardHost> log)
    {
        if (!IPAddress.TryParse(configuration.Address, out var address))
        {
            throw new ConfigurationException($"'address' is '{configuration.Address}': give an IP address of this machine.");
        }

        var options = new ShardHostOptions
        {
            Federation = configuration.Federation, Node = configuration.Node, Zone = configuration.Zone, Coordinator = configuration.Coordinator,
            Model = Path.Combine(folder, configuration.Model), Threads = configuration.Threads, MemoryBytes = configuration.MemoryMebibytes << 20,
        };
        try
        {
            return ShardHost.Start(new IPEndPoint(address, configuration.Port), options, credentials, TimeProvider.System, log);
        }
        catch (SocketException error)
        {
            throw new ConfigurationException($"The shard cannot listen on {address}:{configuration.Port} ({error.SocketErrorCode}): choose another 'address' or 'port'.", error);
        }
    }
}
