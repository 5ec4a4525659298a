using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>What is left of an answer whose node, router or disk goes away in its middle: a clear error, and all of its cost spent.</summary>
public sealed class BrokenAnswerTests
{
    private const double Epsilon = 2;
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_killed_in_the_middle_of_a_stream_is_an_error_event_and_the_whole_hold_is_spent()
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "2");
        using var stream = await BeginAsync(demo, "loses-its-node");
        FederationUnderTest.Kill(await AnsweringAsync(demo));
        var rest = await stream.Reader.ReadToEndAsync(Cancel);
        var last = rest.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.Equal("node_failed", JsonSerializer.Deserialize<JsonElement>(last["data: ".Length..]).GetProperty("error").GetProperty("code").GetString());
        Assert.DoesNotContain("[DONE]", rest, StringComparison.Ordinal);
        await AssertSpentAsync(demo, "loses-its-node");
        var line = (await demo.StateAsync()).GetProperty("requests").EnumerateArray().Single(one => one.GetProperty("user").GetString() == "loses-its-node");
        Assert.Equal("failed", line.GetProperty("outcome").GetString());
        Assert.InRange(line.GetProperty("epsilon").GetDouble(), Epsilon - 0.01, Epsilon);
    }

    [Fact]
    public async Task A_router_killed_in_the_middle_of_a_stream_has_spent_the_whole_hold_when_it_returns_and_so_has_the_node()
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "1");
        using (var stream = await BeginAsync(demo, "loses-its-router"))
        {
            FederationUnderTest.Kill(demo.RouterProcessId);
            await Assert.ThrowsAnyAsync<Exception>(() => stream.Reader.ReadToEndAsync(Cancel));
        }

        await Patience.UntilAsync(async () => (int)(await demo.Client.GetAsync("/health/ready", Cancel)).StatusCode == 200, "the router answers again");
        await AssertSpentAsync(demo, "loses-its-router");
        await Patience.UntilAsync(async () => (await AccountsAsync(demo)).All(account => account.GetProperty("reserved").GetDouble() == 0), "nothing is held any more");
        Assert.All(
            (await AccountsAsync(demo)).Where(account => account.GetProperty("id").GetString()!.StartsWith("data:", StringComparison.Ordinal)),
            account => Assert.True(account.GetProperty("spent").GetDouble() > 0));
        Assert.Equal([AuditDecision.Admitted, AuditDecision.Recovered], DecisionsOf(demo, "loses-its-router"));
    }

    [Fact]
    public async Task A_free_answer_whose_router_is_killed_in_its_middle_is_in_the_log()
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "1");
        using (var stream = await BeginAsync(demo, "reads-for-nothing", free: true))
        {
            FederationUnderTest.Kill(demo.RouterProcessId);
            await Assert.ThrowsAnyAsync<Exception>(() => stream.Reader.ReadToEndAsync(Cancel));
        }

        Assert.Equal([AuditDecision.Admitted], DecisionsOf(demo, "reads-for-nothing"));
        await Patience.UntilAsync(async () => (int)(await demo.Client.GetAsync("/health/ready", Cancel)).StatusCode == 200, "the router answers again");
        await Cli.AssertVerifiedAsync(demo.DataFolder);
    }

    [Fact]
    public async Task A_router_whose_disk_is_full_answers_nothing_says_so_and_goes_on_when_there_is_room()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prlimit"), "prlimit (util-linux) is missing.");

        await using var demo = await StartWithALimitedDiskAsync();
        var token = await demo.TokenForAsync("finds-it-full", "cardiology");
        Assert.Equal(200, (await demo.AskAsync(token, FederationUnderTest.Choice(1))).Status);
        await LimitAsync(demo, "1");
        var (status, body, headers) = await demo.AskAsync(token, FederationUnderTest.Choice(1));
        Assert.Equal((503, "ledger_unavailable"), (status, body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("false", headers.GetValues("x-should-retry").Single());
        Assert.Equal(503, (int)(await demo.Client.GetAsync("/health/ready", Cancel)).StatusCode);
        await LimitAsync(demo, "unlimited");
        await Patience.UntilAsync(async () => (await demo.AskAsync(token, FederationUnderTest.Choice(1))).Status == 200, "it answers again");
        await Cli.AssertVerifiedAsync(demo.DataFolder);
    }

    [Fact]
    public async Task A_disk_that_fills_up_in_the_middle_of_an_answer_is_an_error_event_and_the_answer_is_settled_without_a_restart_when_there_is_room()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/prlimit"), "prlimit (util-linux) is missing.");
        await using var demo = await StartWithALimitedDiskAsync();
        using (var stream = await BeginAsync(demo, "outlives-the-disk"))
        {
            await LimitAsync(demo, "1");
            var rest = await stream.Reader.ReadToEndAsync(Cancel);
            Assert.SkipWhen(rest.Contains("[DONE]", StringComparison.Ordinal), "the answer was whole before the disk was full");
            Assert.Contains("node_failed", rest.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
        }

        var ready = await demo.Client.GetAsync("/health/ready", Cancel);
        Assert.Equal(503, (int)ready.StatusCode);
        Assert.Contains("settlements that wait for it: 1", await ready.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Matches("fedllm_ledger_unsettled[^\n]* 1\n", await demo.Client.GetStringAsync(demo.MetricsUrl, Cancel));
        await LimitAsync(demo, "unlimited");
        await Patience.UntilAsync(async () => (int)(await demo.Client.GetAsync("/health/ready", Cancel)).StatusCode == 200, "it is ready again, though nobody asked");
        await AssertSpentAsync(demo, "outlives-the-disk");
        Assert.Equal([AuditDecision.Admitted, AuditDecision.Failed], DecisionsOf(demo, "outlives-the-disk"));
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_made_is_a_clear_error()
    {
        var file = Path.GetTempFileName();
        var (code, output, errors) = await Cli.RunAsync("demo", "--json", "--port", $"{Cli.FreePort()}", "--data", Path.Combine(file, "state"));
        Assert.Equal(3, code);
        Assert.Contains("cannot be used", output, StringComparison.Ordinal);
        Assert.Contains("cannot be used", errors, StringComparison.Ordinal);
        Assert.Contains("--data DIR", errors, StringComparison.Ordinal);
        File.Delete(file);
    }

    // A limit on the size of files is a full disk to whoever writes; the signal that would come with it is ignored.
    private static Task<FederationUnderTest> StartWithALimitedDiskAsync() => FederationUnderTest.StartWithAsync(
        arguments => Cli.Start("bash", ["-c", "trap '' XFSZ; exec \"$@\"", "bash", .. Cli.CommandLine, "demo", .. arguments]), null, "--hospitals", "1");

    private static Task LimitAsync(FederationUnderTest demo, string bytes) => Cli.RunAsync("prlimit", ["--pid", $"{demo.RouterProcessId}", $"--fsize={bytes}:unlimited"]);

    // Of the user's one request, in the router's own log.
    private static IReadOnlyList<AuditDecision> DecisionsOf(FederationUnderTest demo, string user)
    {
        var entries = AuditLog.Latest(demo.RouterLedger, int.MaxValue).Reverse().ToList();
        var request = entries.First(entry => entry.Record.Actor == user).Record.RequestId;
        return [.. entries.Where(entry => entry.Record.RequestId == request).Select(entry => entry.Record.Decision)];
    }

    private static async Task<BegunStream> BeginAsync(FederationUnderTest demo, string user, bool free = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(FederationUnderTest.LongStream(free ? null : Epsilon)) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await demo.TokenForAsync(user, "cardiology"));
        var response = await demo.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
        Assert.StartsWith("data: {", await reader.ReadLineAsync(Cancel), StringComparison.Ordinal);
        return new BegunStream(response, reader);
    }

    private static async Task<int> AnsweringAsync(FederationUnderTest demo)
    {
        var answering = (await demo.StateAsync()).GetProperty("hospitals").EnumerateArray().Single(hospital => hospital.GetProperty("inFlight").GetInt32() == 1);
        return demo.Nodes.Single(node => node.Id == answering.GetProperty("id").GetString()).ProcessId;
    }

    private static async Task AssertSpentAsync(FederationUnderTest demo, string user)
    {
        await Patience.UntilAsync(async () => await demo.SpentByAsync(user) > 0, "the hold is settled");
        Assert.InRange(await demo.SpentByAsync(user) / Math.Pow(2, 50), Epsilon - 0.01, Epsilon);
        await Cli.AssertVerifiedAsync(demo.DataFolder);
    }

    private static async Task<IReadOnlyList<JsonElement>> AccountsAsync(FederationUnderTest demo) =>
        [.. (await Cli.JsonAsync(["budget", "show", "--data", demo.DataFolder, "--json"])).GetProperty("accounts").EnumerateArray()];

    private sealed record BegunStream(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        public void Dispose()
        {
            Reader.Dispose();
            Response.Dispose();
        }
    }
}
