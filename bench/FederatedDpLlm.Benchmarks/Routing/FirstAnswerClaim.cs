using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace FederatedDpLlm.Benchmarks.Routing;

/// <summary>From the command in a built tree to the first private answer: keys, certificates, records, a router and four hospitals as processes, the bundled model.</summary>
internal sealed class FirstAnswerClaim : IClaim
{
    private const int Rounds = 3;

    public string Name => "first-answer";

    public string Description => "Seconds from 'fedllm demo' in a built tree, with a new folder, to the first answer (asked: 20).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (announced, answered) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var (ready, first) = await RunAsync(cancellationToken);
            announced.Add(ready);
            answered.Add(first);
        }

        yield return new Measurement("4 hospitals, ready", announced.Order().ElementAt(Rounds / 2), "s", LowerIsBetter: true);
        yield return new Measurement("4 hospitals, first answer", answered.Order().ElementAt(Rounds / 2), "s", LowerIsBetter: true);
    }

    private static async Task<(double Ready, double FirstAnswer)> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-first-");
        var program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "FederatedDpLlm.Cli", "release", "fedllm.dll"));
        var clock = Stopwatch.StartNew();
        using var demo = Process.Start(new ProcessStartInfo("dotnet", [program, "demo", "--json", "--port", $"{FreePort()}", "--data", Path.Combine(folder.FullName, "state")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("The demo could not be started.");
        try
        {
            demo.ErrorDataReceived += (_, _) => { };
            demo.BeginErrorReadLine();
            var line = await demo.StandardOutput.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("The demo ended before it was ready.");
            var ready = clock.Elapsed.TotalSeconds;
            await AskAsync(JsonSerializer.Deserialize<JsonElement>(line), cancellationToken);
            return (ready, clock.Elapsed.TotalSeconds);
        }
        finally
        {
            // The programs that it started end with it.
            demo.Kill();
            await demo.WaitForExitAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(2), CancellationToken.None);
            folder.Delete(true);
        }
    }

    private static async Task AskAsync(JsonElement announced, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = new Uri(announced.GetProperty("url").GetString()!) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", announced.GetProperty("token").GetString());
        using var response = await client.PostAsJsonAsync(
            "/v1/chat/completions",
            new
            {
                model = "ward-2m",
                messages = new[] { new { role = "user", content = "Which department sees most patients with chest pain?" } },
                privacy = new { epsilon = 1, choices = new[] { "emergency", "cardiology", "radiology", "general" } },
            },
            cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
