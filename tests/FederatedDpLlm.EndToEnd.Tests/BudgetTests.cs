using System.Net.Http.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Budgets are exact, whoever asks how many at a time.</summary>
public sealed class BudgetTests
{
    [Fact]
    public async Task A_quota_admits_exactly_what_it_holds_under_256_callers_and_every_account_recomputes()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        var token = await demo.TokenForAsync("crowd");
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { BaseAddress = new Uri(demo.Url), Timeout = TimeSpan.FromMinutes(5) };

        // The user holds 20 a day, the department as much: 100 times 0.2 fits, the 101st does not. In binary 0.2 is rounded up by less than a unit,
        // so 100 of them would be up to 100 units too many: the cost is the largest that fits.
        var cost = Math.BitDecrement(0.2);
        var answers = await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => demo.AskAsync(token, FederationUnderTest.Choice(cost), client)));
        Assert.DoesNotContain(answers, answer => answer.Status is not (200 or 429));
        Assert.Equal(100, answers.Count(answer => answer.Status == 200));
        Assert.Equal(156, answers.Count(answer => answer.Status == 429 && answer.Body.GetProperty("error").GetProperty("code").GetString() == "rate_limit_exceeded"));

        var verified = await Cli.JsonAsync(["budget", "verify", "--data", demo.DataFolder, "--json"]);
        Assert.True(verified.GetProperty("ok").GetBoolean());
        Assert.Equal(0, verified.GetProperty("drift").GetDouble());
        var audited = await Cli.JsonAsync(["audit", "verify", "--data", demo.DataFolder, "--json"]);
        Assert.True(audited.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task The_demo_admits_twenty_questions_of_epsilon_one_and_names_the_account_that_refuses_the_next()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        for (var asked = 0; asked < 20; asked++)
        {
            Assert.Equal(200, (await demo.AskAsync(demo.Token, FederationUnderTest.Choice(1))).Status);
        }

        var (status, body, headers) = await demo.AskAsync(demo.Token, FederationUnderTest.Choice(1));
        Assert.Equal(429, status);
        var account = body.GetProperty("error").GetProperty("account");
        Assert.Equal("user:demo-clinician", account.GetProperty("id").GetString());
        Assert.Equal(0, account.GetProperty("remaining").GetDouble());
        Assert.True(account.TryGetProperty("resetsAt", out _));
        Assert.Equal("false", headers.GetValues("x-should-retry").Single());
        Assert.True(headers.RetryAfter?.Delta > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_question_with_noise_at_the_router_takes_all_hospitals_and_charges_each()
    {
        await using var demo = await FederationUnderTest.StartAsync();
        var (status, body, _) = await demo.AskAsync(demo.Token, FederationUnderTest.Choice(1, trust: "router"));
        Assert.Equal(200, status);
        var privacy = body.GetProperty("privacy");
        Assert.Equal(100, privacy.GetProperty("voters").GetInt32());
        Assert.Equal(4, privacy.GetProperty("accounts").EnumerateArray().Count(account => account.GetProperty("kind").GetString() == "data" && account.GetProperty("charged").GetDouble() == 4 * 0.125));
        var hospitals = (await demo.StateAsync()).GetProperty("hospitals").EnumerateArray().ToList();
        Assert.Matches("^[0-9a-f]{64}$", Assert.Single(hospitals.Select(hospital => hospital.GetProperty("modelDigest").GetString()).Distinct()));
        var metrics = await demo.Client.GetStringAsync(demo.MetricsUrl, TestContext.Current.CancellationToken);
        Assert.Contains("fedllm_epsilon_spent", metrics, StringComparison.Ordinal);
        Assert.Matches("fedllm_node_available\\{[^\n]*node=\"hospital-a\"[^\n]* 1( |\n)", metrics);
        Assert.Matches("fedllm_node_pause_seconds\\{[^\n]*node=\"hospital-a\"[^\n]* 0( |\n)", metrics);
        Assert.Equal("ready", await demo.Client.GetStringAsync("/health/ready", TestContext.Current.CancellationToken));
    }
}
