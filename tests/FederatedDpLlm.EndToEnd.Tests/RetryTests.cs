using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A request that is repeated under its id gets the answer that was given, free.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class RetryTests(SharedFederation shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_repeat_gets_the_same_bytes_and_costs_nothing()
    {
        var token = await shared.Demo.TokenForAsync("repeats", "radiology");
        var first = await shared.Demo.AskOnceAsync(token, FederationUnderTest.Choice(0.5, n: 2), "one", Cancel);
        Assert.True(first.Status == 200, first.Body);
        var spent = await shared.Demo.SpentByAsync("repeats");
        Assert.True(spent > 0);
        var second = await shared.Demo.AskOnceAsync(token, FederationUnderTest.Choice(0.5, n: 2), "one", Cancel);
        Assert.Equal((200, first.Body), (second.Status, second.Body));
        Assert.Equal("true", second.Headers.GetValues("idempotent-replayed").Single());
        Assert.Equal(spent, await shared.Demo.SpentByAsync("repeats"));
    }

    [Fact]
    public async Task A_repeated_stream_says_the_same_and_what_it_cost()
    {
        var token = await shared.Demo.TokenForAsync("repeats-streams", "radiology");
        var body = new { model = "ward-2m", stream = true, max_tokens = 8, messages = new[] { new { role = "user", content = "Describe a patient." } }, privacy = new { epsilon = 1.0 } };
        var first = await shared.Demo.AskOnceAsync(token, body, "one", Cancel);
        var spent = await shared.Demo.SpentByAsync("repeats-streams");
        var second = await shared.Demo.AskOnceAsync(token, body, "one", Cancel);
        Assert.Equal("true", second.Headers.GetValues("idempotent-replayed").Single());
        Assert.Equal(Read(first.Body), Read(second.Body));
        Assert.EndsWith("data: [DONE]\n\n", second.Body, StringComparison.Ordinal);
        Assert.Equal(spent, await shared.Demo.SpentByAsync("repeats-streams"));
    }

    [Fact]
    public async Task An_id_that_comes_with_another_request_is_a_conflict_and_another_callers_is_his_own()
    {
        var token = await shared.Demo.TokenForAsync("owner", "radiology");
        Assert.Equal(200, (await shared.Demo.AskOnceAsync(token, FederationUnderTest.Choice(0.1), "mine", Cancel)).Status);
        var other = await shared.Demo.AskOnceAsync(token, FederationUnderTest.Choice(0.2), "mine", Cancel);
        Assert.Equal(409, other.Status);
        Assert.Contains("idempotency_key_reused", other.Body, StringComparison.Ordinal);
        Assert.Equal("false", other.Headers.GetValues("x-should-retry").Single());
        var elsewhere = await shared.Demo.AskOnceAsync(await shared.Demo.TokenForAsync("owner", "cardiology"), FederationUnderTest.Choice(0.1), "mine", Cancel);
        Assert.Equal(409, elsewhere.Status);
        var stranger = await shared.Demo.AskOnceAsync(await shared.Demo.TokenForAsync("stranger", "radiology"), FederationUnderTest.Choice(0.1), "mine", Cancel);
        Assert.Equal(200, stranger.Status);
        Assert.False(stranger.Headers.Contains("idempotent-replayed"));
        Assert.True(await shared.Demo.SpentByAsync("stranger") > 0);
    }

    [Fact]
    public async Task A_crowd_under_one_id_is_charged_once()
    {
        var token = await shared.Demo.TokenForAsync("crowd-of-one", "radiology");
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => shared.Demo.AskOnceAsync(token, FederationUnderTest.Choice(0.5), "one", Cancel)));
        Assert.DoesNotContain(answers, answer => answer.Status is not (200 or 409));
        Assert.All(answers.Where(answer => answer.Status == 409), answer => Assert.Contains("request_in_progress", answer.Body, StringComparison.Ordinal));
        var last = await shared.Demo.AskOnceAsync(token, FederationUnderTest.Choice(0.5), "one", Cancel);
        Assert.All(answers.Where(answer => answer.Status == 200), answer => Assert.Equal(last.Body, answer.Body));
        Assert.Equal(1L << 49, await shared.Demo.SpentByAsync("crowd-of-one"));
    }

    [Fact]
    public async Task A_kept_stream_whose_router_stops_ends_with_an_error_event()
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "1");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(FederationUnderTest.LongStream(1)) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await demo.TokenForAsync("is-cut-short", "cardiology"));
        request.Headers.Add("Idempotency-Key", "one");
        using var response = await demo.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
        Assert.StartsWith("data: {", await reader.ReadLineAsync(Cancel), StringComparison.Ordinal);
        await Cli.RunAsync("kill", ["-TERM", $"{demo.RouterProcessId}"]);
        var rest = await reader.ReadToEndAsync(Cancel);
        Assert.SkipWhen(rest.Contains("[DONE]", StringComparison.Ordinal), "the answer was whole before the router stopped");
        Assert.Contains("node_failed", rest.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_leaves_in_the_middle_finds_the_answer_on_return()
    {
        var token = await shared.Demo.TokenForAsync("leaves", "radiology");
        var body = new { model = "ward-2m", n = 8, max_tokens = 64, messages = new[] { new { role = "user", content = "Describe a patient." } }, privacy = new { epsilon = 0.5 } };
        using var leaving = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        var left = false;
        try
        {
            await shared.Demo.AskOnceAsync(token, body, "one", leaving.Token);
        }
        catch (OperationCanceledException)
        {
            left = true;
        }

        Assert.SkipUnless(left, "the answer came before its caller could leave");
        var again = await shared.Demo.AskOnceAsync(token, body, "one", Cancel);
        for (var patience = 0; again.Status == 409 && patience < 300; patience++)
        {
            Assert.Contains("request_in_progress", again.Body, StringComparison.Ordinal);
            await Task.Delay(200, Cancel);
            again = await shared.Demo.AskOnceAsync(token, body, "one", Cancel);
        }

        Assert.True(again.Status == 200, again.Body);
        var charged = JsonSerializer.Deserialize<JsonElement>(again.Body).GetProperty("privacy").GetProperty("accounts")[0].GetProperty("charged").GetDouble();
        Assert.Equal(charged, await shared.Demo.SpentByAsync("leaves") / Math.Pow(2, 50), 1e-9);
    }

    private static (string Text, string Privacy) Read(string stream)
    {
        var chunks = stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(line => line != "data: [DONE]")
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..])).ToList();
        var text = string.Concat(chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
            .Select(choice => choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : string.Empty));
        return (text, chunks[^1].GetProperty("privacy").GetRawText());
    }
}
