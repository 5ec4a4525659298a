using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The page in a real browser.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class PageTests(SharedFederation shared)
{
    [Fact]
    public async Task An_officer_sees_the_hospitals_and_a_request_arrive_live_and_never_its_text()
    {
        var script = NodeClients.Require("page.mjs");
        var chromium = NodeClients.RequireChromium();
        var screenshot = Path.Combine(shared.Demo.DataFolder, "page.png");
        var (code, output, errors) = await Cli.RunAsync("node", [script, chromium, shared.Demo.Url, await shared.Demo.TokenForAsync("page-watcher"), screenshot]);
        Assert.True(code == 0, errors);
        var seen = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.Equal(["hospital-a", "hospital-b", "hospital-c", "hospital-d"], seen.GetProperty("hospitals").EnumerateArray().Select(id => id.GetString()));
        Assert.Equal("live", seen.GetProperty("state").GetString());
        Assert.Contains("page-watcher", seen.GetProperty("row").GetString(), StringComparison.Ordinal);
        Assert.Contains("answered", seen.GetProperty("row").GetString(), StringComparison.Ordinal);
        Assert.Contains("global", seen.GetProperty("quotas").EnumerateArray().Select(id => id.GetString()));
        Assert.NotEqual(seen.GetProperty("spentBefore").GetString(), seen.GetProperty("spentAfter").GetString());
        Assert.False(seen.GetProperty("leaks").GetBoolean());
        Assert.Empty(seen.GetProperty("faults").EnumerateArray());
        Assert.True(new FileInfo(screenshot).Length > 10_000);
    }

    [Fact]
    public async Task A_router_that_hangs_is_told_and_a_token_in_the_address_is_used_and_taken_out()
    {
        var script = NodeClients.Require("page-lost.mjs");
        var chromium = NodeClients.RequireChromium();
        var officer = await shared.Demo.TokenForAsync("page-officer", role: "privacy-officer");
        var (code, output, errors) = await Cli.RunAsync("node", [script, chromium, shared.Demo.Url, officer, $"{shared.Demo.RouterProcessId}"]);
        Assert.True(code == 0, errors);
        var seen = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.Equal(shared.Demo.Url + "/", seen.GetProperty("address").GetString());
        Assert.StartsWith("not live since ", seen.GetProperty("lost").GetString(), StringComparison.Ordinal);
        Assert.True(seen.GetProperty("authorised").GetBoolean());
        Assert.False(seen.GetProperty("wide").GetBoolean());
    }

    [Fact]
    public async Task The_page_allows_nothing_from_elsewhere()
    {
        using var response = await shared.Demo.Client.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Contains("default-src 'self'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }
}
