using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>One <c>fedllm demo</c> as a user starts it: processes, files, ports of its own, ended by process id.</summary>
public sealed class FederationUnderTest : IAsyncDisposable
{
    private const int Interrupt = 2;
    private const int Stop = 19;
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(150);
    private readonly Process _demo;
    private readonly JsonElement _announced;

    private FederationUnderTest(Process demo, JsonElement announced, Task<string> errors)
    {
        _demo = demo;
        _announced = announced;
        Errors = errors;
        Client = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromMinutes(2) };
    }

    public string Url => _announced.GetProperty("url").GetString()!;

    public string MetricsUrl => _announced.GetProperty("metricsUrl").GetString()!;

    public string Token => _announced.GetProperty("token").GetString()!;

    public string DataFolder => _announced.GetProperty("dataDir").GetString()!;

    public int RouterProcessId => _announced.GetProperty("router").GetProperty("pid").GetInt32();

    public IReadOnlyList<(string Id, int ProcessId)> Nodes =>
        [.. _announced.GetProperty("nodes").EnumerateArray().Select(node => (node.GetProperty("id").GetString()!, node.GetProperty("pid").GetInt32()))];

    /// <summary>The processes over which the hospitals' models are cut.</summary>
    public IReadOnlyList<(string Id, int ProcessId)> Shards =>
        [.. _announced.GetProperty("shards").EnumerateArray().Select(shard => (shard.GetProperty("id").GetString()!, shard.GetProperty("pid").GetInt32()))];

    /// <summary>The quotas' ledger, with the router's audit log.</summary>
    public string RouterLedger => Path.Combine(DataFolder, "router", "ledger.db");

    /// <summary>A hospital's data accounts, with its own audit log.</summary>
    public string NodeLedger(string hospital) => Path.Combine(DataFolder, "nodes", hospital, "ledger.db");

    public int DemoProcessId => _demo.Id;

    public HttpClient Client { get; }

    /// <summary>Everything the demo wrote to standard error, once it has ended.</summary>
    public Task<string> Errors { get; }

    public static Task<FederationUnderTest> StartAsync(string? dataFolder = null, params string[] more) =>
        StartWithAsync(arguments => Cli.Start(["demo", .. arguments]), dataFolder, more);

    /// <summary>The demo is started by <paramref name="start"/>, given the arguments of <c>fedllm demo</c>.</summary>
    public static async Task<FederationUnderTest> StartWithAsync(Func<IReadOnlyList<string>, Process> start, string? dataFolder = null, params string[] more)
    {
        var folder = dataFolder ?? Path.Combine(PassingFolder.Make(), "state");
        var demo = start(["--json", "--port", Cli.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture), "--data", folder, .. more]);
        var errors = demo.StandardError.ReadToEndAsync();
        var line = await demo.StandardOutput.ReadLineAsync().WaitAsync(ReadyWithin);
        Assert.False(line is null || line.StartsWith("{\"error\"", StringComparison.Ordinal), $"The demo ended before it was ready: {line}");
        return new FederationUnderTest(demo, JsonSerializer.Deserialize<JsonElement>(line), errors);
    }

    /// <summary>A token of a user of its own, so that tests do not share quotas.</summary>
    public async Task<string> TokenForAsync(string user, string department = "emergency", string role = "clinician") =>
        (await Cli.JsonAsync(["token", "--json", "--data", DataFolder, "--user", user, "--department", department, "--role", role])).GetProperty("token").GetString()!;

    public async Task<(int Status, JsonElement Body, HttpResponseHeaders Headers)> AskAsync(string token, object body, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await (client ?? Client).SendAsync(request);
        return ((int)response.StatusCode, JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()), response.Headers);
    }

    /// <summary>The chunks of a stream that came to its end.</summary>
    public async Task<IReadOnlyList<JsonElement>> StreamAsync(string token, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.Content.Headers.ContentType?.MediaType == "text/event-stream", text);
        var lines = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("data: [DONE]", lines[^1]);
        return [.. lines[..^1].Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..]))];
    }

    /// <summary>A request under an id of its caller's, and the answer's bytes as they came.</summary>
    public async Task<(int Status, string Body, HttpResponseHeaders Headers)> AskOnceAsync(string token, object body, string key, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Idempotency-Key", key);
        using var response = await Client.SendAsync(request, cancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken), response.Headers);
    }

    /// <summary>What a user's quota has spent, in its ledger's units.</summary>
    public async Task<long> SpentByAsync(string user) =>
        (await Cli.JsonAsync(["budget", "show", "--data", DataFolder, "--json"])).GetProperty("accounts").EnumerateArray()
            .Where(account => account.GetProperty("id").GetString() == $"user:{user}").Select(account => account.GetProperty("spentUnits").GetInt64()).SingleOrDefault();

    /// <summary>An answer that goes on until its node is lost: the end token is out of its reach. Private, or of the base model alone where it names no epsilon.</summary>
    public static object LongStream(double? epsilon) => new
    {
        model = "ward-2m",
        stream = true,
        max_tokens = 600,
        logit_bias = new Dictionary<string, int> { ["1"] = -100 },
        messages = new[] { new { role = "user", content = "Describe a patient." } },
        privacy = new { epsilon, mechanism = epsilon is null ? "public" : "private-decoding" },
    };

    public static object Choice(double epsilon, string? trust = null, string? strategy = null, int n = 1) => new
    {
        model = "ward-2m",
        n,
        messages = new[] { new { role = "user", content = "Which department sees most patients with chest pain?" } },
        privacy = new { epsilon, choices = new[] { "emergency", "cardiology", "radiology", "general" }, trust, strategy },
    };

    public async Task<JsonElement> StateAsync() => await Client.GetFromJsonAsync<JsonElement>("/v1/federation");

    public async Task<JsonElement> HospitalAsync(string id) =>
        (await StateAsync()).GetProperty("hospitals").EnumerateArray().Single(hospital => hospital.GetProperty("id").GetString() == id);

    public static void Kill(int processId) => Process.GetProcessById(processId).Kill();

    /// <summary>From now on the process hears nothing, not even that it should end.</summary>
    public static void Freeze(int processId) => _ = kill(processId, Stop);

    /// <summary>Ctrl-C.</summary>
    public void SendInterrupt() => _ = kill(_demo.Id, Interrupt);

    public Task WaitForEndAsync() => _demo.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));

    public int ExitCode => _demo.ExitCode;

    public async ValueTask DisposeAsync()
    {
        if (!_demo.HasExited)
        {
            SendInterrupt();
            await WaitForEndAsync();
        }

        _demo.Dispose();
        Client.Dispose();
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int processId, int signal);
}
