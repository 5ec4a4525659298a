using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>A router and its hospitals as processes on this machine, with their state below one folder. Budgets and audit logs outlive a restart.</summary>
internal sealed class DemoFederation : IAsyncDisposable
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(12);
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(100);
    private readonly DemoOptions _options;
    private readonly FileStream _ownership;
    private readonly DemoCredentials _credentials;

    private DemoFederation(DemoOptions options, FileStream ownership)
    {
        _options = options;
        _ownership = ownership;
        _credentials = DemoCredentials.LoadOrCreate(options.DataFolder);
        ClinicianToken = _credentials.Tokens.Issue(new Caller("demo-clinician", Roles.Clinician, "emergency"), TokenLifetime);
        OfficerToken = _credentials.Tokens.Issue(new Caller("demo-officer", Roles.PrivacyOfficer, "general"), TokenLifetime);
    }

    public string Url => $"http://127.0.0.1:{_options.Port}";

    public string MetricsUrl => $"http://127.0.0.1:{_options.MetricsPort}/metrics";

    public string ClinicianToken { get; }

    public string OfficerToken { get; }

    public SupervisedProcess? Router { get; private set; }

    public IReadOnlyList<SupervisedProcess> Nodes { get; private set; } = [];

    /// <summary>What the hospitals' models are cut over; empty where each node holds it whole.</summary>
    public IReadOnlyList<SupervisedProcess> Shards { get; private set; } = [];

    /// <summary>Ends where a program gives up for a reason that a restart cannot mend.</summary>
    public Task<Task<int>> Hopeless => Task.WhenAny([Router!.Hopeless, .. Nodes.Concat(Shards).Select(node => node.Hopeless)]);

    /// <exception cref="DemoException">A port is taken, the folder is in use or cannot be written.</exception>
    public static DemoFederation Prepare(DemoOptions options)
    {
        LoopbackPorts.RequireFree(options.Port, "--port");
        LoopbackPorts.RequireFree(options.MetricsPort, "--metrics-port");
        try
        {
            Directory.CreateDirectory(options.DataFolder);
            return new DemoFederation(options, new FileStream(Path.Combine(options.DataFolder, "demo.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DemoException($"The folder '{options.DataFolder}' cannot be used ({error.Message}) Is another demo running with it, or its disk full or read-only? Choose another with --data DIR.", error);
        }
    }

    /// <summary>Writes configurations, certificates and records, and starts every process.</summary>
    /// <returns>The given records, for a report; null where they were made up.</returns>
    /// <exception cref="DemoException">The records cannot be used, or a file cannot be written.</exception>
    public HospitalRecords? Start(Action<string> report)
    {
        try
        {
            var loaded = Write(report);
            foreach (var process in Shards.Concat(Nodes).Append(Router!))
            {
                process.Start();
            }

            return loaded;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DemoException($"A file below '{_options.DataFolder}' cannot be written ({error.Message}) Make room on its disk, or choose another folder with --data DIR.", error);
        }
    }

    private HospitalRecords? Write(Action<string> report)
    {
        var hospitals = Enumerable.Range(0, _options.Hospitals).Select(index => "hospital-" + (char)('a' + index)).ToList();
        var folders = hospitals.Select(hospital => Path.Combine(_options.DataFolder, "nodes", hospital)).ToList();
        folders.ForEach(folder => Directory.CreateDirectory(folder));
        var loaded = DemoRecords.Write(folders, _options.Records, _options.Map);
        var ports = LoopbackPorts.Free(hospitals.Count * (1 + _options.Shards));
        var processes = new List<SupervisedProcess>();
        foreach (var (index, hospital) in hospitals.Index())
        {
            _credentials.IssueInto(folders[index], PeerIdentity.Hospital(DemoCredentials.Federation, hospital));
            var shards = ports.Skip(hospitals.Count + (index * _options.Shards)).Take(_options.Shards).Select((port, shard) => ($"{hospital}-shard-{shard}", port)).ToList();
            if (shards.Count > 0)
            {
                _credentials.IssueInto(Path.Combine(folders[index], "coordinator"), PeerIdentity.Coordinator(DemoCredentials.Federation, hospital));
            }

            processes.AddRange(shards.Select(shard => PrepareShard(hospital, folders[index], shard.Item1, shard.port, report)));
            OwnerOnlyFile.Write(Path.Combine(folders[index], "node.yaml"), DemoConfiguration.Node(hospital, ports[index], DemoRecords.FileName, shards, _options.DataEpsilon));
        }

        var routerFolder = Path.Combine(_options.DataFolder, "router");
        _credentials.IssueInto(routerFolder, PeerIdentity.Router(DemoCredentials.Federation));
        _credentials.WriteTokenPublicKey(routerFolder);
        OwnerOnlyFile.Write(Path.Combine(routerFolder, "router.yaml"), DemoConfiguration.Router(_options.Port, _options.MetricsPort, hospitals.Zip(ports)));

        Shards = processes;
        Nodes = [.. hospitals.Zip(folders).Select(pair => new SupervisedProcess(pair.First, DemoPrograms.Node, Path.Combine(pair.Second, "node.yaml"), report))];
        Router = new SupervisedProcess("router", DemoPrograms.Router, Path.Combine(routerFolder, "router.yaml"), report);
        return loaded;
    }

    /// <summary>Waits until every hospital answers the router, so that the first request can be answered.</summary>
    /// <exception cref="DemoException">A program gave up, or it took too long.</exception>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(5) };
        var started = TimeProvider.System.GetTimestamp();
        var hopeless = Hopeless;
        while (!await IsReadyAsync(client, cancellationToken))
        {
            if (hopeless.IsCompleted)
            {
                throw new DemoException("A program of the demo could not start; its own message stands above.");
            }

            if (TimeProvider.System.GetElapsedTime(started) > ReadyWithin)
            {
                throw new DemoException($"The federation is not ready after {ReadyWithin.TotalSeconds:0} s; the messages above say what is missing.");
            }

            await Task.Delay(AskEvery, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Router is not null)
        {
            await Router.DisposeAsync();
        }

        await Task.WhenAll(Nodes.Select(node => node.DisposeAsync().AsTask()));
        await Task.WhenAll(Shards.Select(shard => shard.DisposeAsync().AsTask()));
        _credentials.Dispose();
        await _ownership.DisposeAsync();
    }

    private SupervisedProcess PrepareShard(string hospital, string nodeFolder, string name, int port, Action<string> report)
    {
        var (folder, configuration) = (Path.Combine(nodeFolder, name), Path.Combine(nodeFolder, name, "shard.yaml"));
        _credentials.IssueInto(folder, PeerIdentity.Shard(DemoCredentials.Federation, name));
        OwnerOnlyFile.Write(configuration, DemoConfiguration.Shard(hospital, name, port, BundledModel.Folder));
        return new SupervisedProcess(name, DemoPrograms.Self, configuration, report, "shard", "serve", "--config", configuration);
    }

    private async Task<bool> IsReadyAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/federation");
            request.Headers.Authorization = new("Bearer", OfficerToken);
            using var response = await client.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return false;
            }

            using var state = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            return state.RootElement.GetProperty("hospitals").EnumerateArray().All(hospital => hospital.GetProperty("healthy").GetBoolean());
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
