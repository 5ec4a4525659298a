using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Benchmarks.Routing;

/// <summary>
/// Questions per second through everything but the model: HTTP, token, four quotas held and charged durably, mutual TLS, the hospital's own durable hold and
/// charge, 25 voters, exact noise. The router is its own process; the four hospitals share this one with the load.
/// </summary>
internal sealed class EndToEndClaim : IClaim
{
    private const int Hospitals = 4;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(8);

    public string Name => "end-to-end";

    public string Description => "Questions per second from HTTP to HTTP with a model that takes no time, all budgets and audits durable.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-bench-").FullName;
        var ports = FreePorts(Hospitals + 2);
        using var authority = FederationAuthority.Create("bench", TimeProvider.System);
        var nodes = new List<WebApplication>();
        for (var hospital = 0; hospital < Hospitals; hospital++)
        {
            nodes.Add(await StartNodeAsync(authority, Path.Combine(folder, $"h{hospital}"), $"h{hospital}", ports[hospital]));
        }

        using var router = StartRouter(authority, Path.Combine(folder, "router"), ports, out var token);
        try
        {
            using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { BaseAddress = new Uri($"http://127.0.0.1:{ports[^2]}") };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            await UntilAnsweredAsync(client, cancellationToken);
            foreach (var callers in new[] { 1, 16, 64 })
            {
                await RunAsync(client, callers, TimeSpan.FromSeconds(2), cancellationToken);
                yield return new Measurement($"choice, {callers} caller{(callers == 1 ? string.Empty : "s")}", await RunAsync(client, callers, Measured, cancellationToken), "questions/s");
            }
        }
        finally
        {
            router.Kill();
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }

            Directory.Delete(folder, true);
        }
    }

    private static async Task<double> RunAsync(HttpClient client, int callers, TimeSpan length, CancellationToken cancellationToken)
    {
        var answered = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(
            async () =>
            {
                while (clock.Elapsed < length)
                {
                    await AskAsync(client, cancellationToken);
                    Interlocked.Increment(ref answered);
                }
            },
            cancellationToken)));
        return answered / clock.Elapsed.TotalSeconds;
    }

    private static async Task AskAsync(HttpClient client, CancellationToken cancellationToken)
    {
        using var response = await client.PostAsJsonAsync(
            "/v1/chat/completions",
            new { model = "instant", messages = new[] { new { role = "user", content = "Which?" } }, privacy = new { epsilon = 0.001, choices = new[] { "this", "that" } } },
            cancellationToken);
        response.EnsureSuccessStatusCode();
        await response.Content.CopyToAsync(Stream.Null, cancellationToken);
    }

    private static async Task UntilAnsweredAsync(HttpClient client, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await AskAsync(client, cancellationToken);
                return;
            }
            catch (HttpRequestException) when (attempt < 300)
            {
                await Task.Delay(100, cancellationToken);
            }
        }
    }

    private static async Task<WebApplication> StartNodeAsync(FederationAuthority authority, string folder, string hospital, int port)
    {
        var credentials = authority.IssueInto(folder, PeerIdentity.Hospital(authority.Federation, hospital));
        var random = new SecureRandom();
        var records = Enumerable.Range(0, 200).Select(patient => new PatientRecord($"{hospital}-{patient}", "This is so.", null, [])).ToList();
        var ledger = await SqliteBudgetLedger.OpenAsync(Path.Combine(folder, "ledger.db"), TimeProvider.System, NullLogger<SqliteBudgetLedger>.Instance, CancellationToken.None);
        await ledger.EnsureAccountAsync(new DataBudget { Epsilon = 8000 }.ToPolicy(AccountId.Data(hospital, "all"), "data_budget"), CancellationToken.None);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(https => FederationTls.ConfigureServer(https, credentials, PeerIdentity.Router(authority.Federation)));
        }));
        builder.Services.AddSingleton<IBudgetLedger>(_ => ledger).AddSingleton(new PatientSpread()).AddSingleton(new NodeProfile(hospital, true, 1e-6, true, false) { ModelDigest = ModelDigest.OfName("instant", null) });
        var engine = new InstantEngine();
        builder.Services.AddSingleton<IInferenceEngine>(engine).AddSingleton<EngineWatch>().AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<PrivateAnswering>(new PrivateAnswering(engine, new ShardedRecords(records, new byte[PatientHash.MinKeySizeBytes], 25), random));
        builder.Services.AddSingleton<DataAccounts>().AddSingleton<NodeAdmission>().AddSingleton<NodeSettlement>().AddSingleton<NodeLoad>().AddGrpc();
        var app = builder.Build();
        app.MapGrpcService<HospitalNodeService>();
        await app.StartAsync();
        return app;
    }

    private static Process StartRouter(FederationAuthority authority, string folder, IReadOnlyList<int> ports, out string token)
    {
        using var _ = authority.IssueInto(folder, PeerIdentity.Router(authority.Federation));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(Path.Combine(folder, "tokens.pem"), key.ExportSubjectPublicKeyInfoPem());
        token = new TokenIssuer(key, "bench", "router", TimeProvider.System).Issue(new Caller("load", Roles.Clinician, "all"), TimeSpan.FromHours(1));
        var addresses = string.Join(", ", Enumerable.Range(0, Hospitals).Select(hospital => $"{{id: h{hospital}, address: 'https://127.0.0.1:{ports[hospital]}'}}"));
        File.WriteAllText(Path.Combine(folder, "router.yaml"), $$$"""
            federation: bench
            api: {port: {{{ports[^2]}}}}
            metrics: {port: {{{ports[^1]}}}}
            identity: {certificate: link.pem, key: link.key, authority: ca.pem}
            tokens: {issuer: bench, audience: router, public_key: tokens.pem}
            ledger: ledger.db
            nodes: [{{{addresses}}}]
            privacy_budgets:
              departments: {all: 8000}
              reset_schedule: {all: daily}
              user: {epsilon: 8000}
              purposes: {treatment: {epsilon: 8000}}
              global: {epsilon: 8000}
            """);
        var program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "FederatedDpLlm.Router", "release", "FederatedDpLlm.Router.dll"));
        var start = new ProcessStartInfo("dotnet", [program]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment["CONFIG_FILE"] = Path.Combine(folder, "router.yaml");
        start.Environment["FEDLLM_STOP_WITH_INPUT"] = "1";
        var router = Process.Start(start) ?? throw new InvalidOperationException("The router could not be started.");
        router.OutputDataReceived += (_, _) => { };
        router.BeginOutputReadLine();
        return router;
    }

    private static List<int> FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToList();
        listeners.ForEach(listener => listener.Stop());
        return ports;
    }
}
