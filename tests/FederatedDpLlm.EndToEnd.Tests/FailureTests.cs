using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Real processes, killed for real.</summary>
public sealed class FailureTests
{
    private const double Asked = 0.05;

    // The demo's, which every hospital charges for.
    private const int HospitalsPerPatient = 2;

    [Fact]
    public async Task A_killed_node_is_noticed_the_others_answer_and_it_returns()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        var token = await demo.TokenForAsync("failover");
        var (killed, processId) = demo.Nodes[0];
        FederationUnderTest.Kill(processId);
        for (var asked = 0; asked < 4; asked++)
        {
            Assert.Equal(200, (await demo.AskAsync(token, FederationUnderTest.Choice(0.1))).Status);
        }

        await Patience.UntilAsync(async () => (await demo.HospitalAsync(killed)).GetProperty("healthy").GetBoolean(), "the killed node answers again");
        var answered = await demo.AskAsync(token, FederationUnderTest.Choice(0.1, strategy: "round-robin"));
        Assert.Equal(200, answered.Status);
        await Cli.AssertVerifiedAsync(demo.DataFolder);
    }

    [Fact]
    public Task A_router_killed_under_load_never_overspends() => KillUnderLoadAsync(kills: 1, dataEpsilon: 1);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public Task A_router_and_nodes_killed_again_and_again_under_load_never_overspend() => KillUnderLoadAsync(kills: 10, dataEpsilon: 1);

    [Fact]
    public async Task Ctrl_C_leaves_no_process_behind()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        demo.SendInterrupt();
        await demo.WaitForEndAsync();
        Assert.Equal(0, demo.ExitCode);
        await AssertGoneAsync(demo);
    }

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public async Task Ctrl_C_ends_a_node_that_no_longer_listens()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        FederationUnderTest.Freeze(demo.Nodes[^1].ProcessId);
        demo.SendInterrupt();
        await demo.WaitForEndAsync();
        Assert.Equal(0, demo.ExitCode);
        await AssertGoneAsync(demo);
    }

    [Fact]
    public async Task A_demo_that_is_killed_leaves_no_process_behind()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        FederationUnderTest.Kill(demo.DemoProcessId);
        await demo.WaitForEndAsync();
        await AssertGoneAsync(demo);
    }

    [Fact]
    public async Task A_busy_port_is_a_clear_error()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var (code, output, errors) = await Cli.RunAsync("demo", "--json", "--port", $"{port}", "--data", Path.Combine(Path.GetTempPath(), "fedllm-never-made"));
        Assert.Equal(3, code);
        Assert.Contains($"Port {port} is already in use", output, StringComparison.Ordinal);
        Assert.Contains($"Port {port} is already in use", errors, StringComparison.Ordinal);
        Assert.Contains("--port", errors, StringComparison.Ordinal);
    }

    /// <summary>
    /// Asks on until the hospitals' data accounts are spent, through all kills. The accounts hold some 130 answers (at epsilon 1), far fewer than the quotas of two users in two departments, so
    /// that one answer too many would show: what came back is counted here, by its own arithmetic.
    /// </summary>
    private static async Task KillUnderLoadAsync(int kills, double dataEpsilon)
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--data-epsilon", dataEpsilon.ToString(CultureInfo.InvariantCulture));
        string[] tokens = [await demo.TokenForAsync("killed"), await demo.TokenForAsync("killed-too", "cardiology")];
        using var stopping = new CancellationTokenSource();
        var (acknowledged, spent, killing) = (0, 0, true);

        // The kills are spread over the load: it waits between questions until the last one.
        var pause = TimeSpan.FromMilliseconds(kills > 1 ? 800 : 100);
        var load = Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            while (!stopping.IsCancellationRequested)
            {
                try
                {
                    var (status, body, _) = await demo.AskAsync(tokens[client % tokens.Length], FederationUnderTest.Choice(Asked));
                    _ = status == 200 ? Interlocked.Increment(ref acknowledged) : status == 429 && CodeOf(body) == "insufficient_quota" ? Interlocked.Increment(ref spent) : 0;
                    await Task.Delay(Volatile.Read(ref killing) ? pause : TimeSpan.Zero);
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(50);
                }
            }
        })).ToList();
        for (var kill = 0; kill < kills; kill++)
        {
            await Task.Delay(1500 + (37 * kill), TestContext.Current.CancellationToken);
            var running = Children(demo.DemoProcessId);
            FederationUnderTest.Kill(kill % 2 == 0 ? running[^1] : running[kill % running.Count]);
            await Patience.UntilAsync(async () => (await demo.StateAsync()).GetProperty("hospitals").EnumerateArray().All(hospital => hospital.GetProperty("healthy").GetBoolean()), "the federation is whole again");
        }

        Volatile.Write(ref killing, false);
        var before = Volatile.Read(ref spent);
        while (Volatile.Read(ref spent) == before)
        {
            // However slow the machine is: as long as answers come, the accounts go down.
            var seen = Volatile.Read(ref acknowledged);
            await Patience.UntilAsync(() => Task.FromResult(Volatile.Read(ref spent) > before || Volatile.Read(ref acknowledged) > seen), "an answer comes, or the data accounts are spent");
        }

        await stopping.CancelAsync();
        await Task.WhenAll(load);
        Assert.True(acknowledged > 0);
        await Cli.AssertVerifiedAsync(demo.DataFolder);
        var shown = await Cli.JsonAsync(["budget", "show", "--data", demo.DataFolder, "--json"]);
        var accounts = shown.GetProperty("accounts").EnumerateArray().ToList();
        Assert.All(accounts, account => Assert.True(account.GetProperty("spent").GetDouble() + account.GetProperty("reserved").GetDouble() <= account.GetProperty("budget").GetDouble()));

        // Every answer that came back is paid for, by the askers and by the hospitals; what was cut off may be paid for without one.
        Assert.True(SpentOn("user:killed") >= (Asked * acknowledged) - 1e-9);
        Assert.True(SpentOn("data:") >= (Asked * Asked / 8 * HospitalsPerPatient * acknowledged) - 1e-9);

        double SpentOn(string accountsOf) => accounts.Where(account => account.GetProperty("id").GetString()!.StartsWith(accountsOf, StringComparison.Ordinal)).Sum(account => account.GetProperty("spent").GetDouble());
    }

    private static string? CodeOf(JsonElement body) => body.TryGetProperty("error", out var error) && error.TryGetProperty("code", out var code) ? code.GetString() : null;

    // Each thread of the demo knows the children that it started itself: one that was started again belongs to another thread.
    private static IReadOnlyList<int> Children(int parent) =>
        [.. Directory.GetDirectories($"/proc/{parent}/task").SelectMany(thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse).Order()];

    private static Task AssertGoneAsync(FederationUnderTest demo) =>
        Patience.UntilAsync(() => Task.FromResult(demo.Nodes.Select(node => node.ProcessId).Append(demo.RouterProcessId).All(id => !Directory.Exists($"/proc/{id}"))), "every process has ended");
}
