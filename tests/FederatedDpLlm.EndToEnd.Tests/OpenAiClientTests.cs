using System.Text.Json;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The official OpenAI client for JavaScript, unchanged.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class OpenAiClientTests(SharedFederation shared)
{
    [Fact]
    public async Task It_lists_the_models() => Assert.Equal("ward-2m", (await RunAsync("openai-models", "models")).GetProperty("model").GetString());

    [Fact]
    public async Task It_gets_an_answer_with_what_it_cost()
    {
        var answer = await RunAsync("openai-chat", "chat");
        Assert.Contains(answer.GetProperty("content").GetString(), new[] { "emergency", "cardiology", "radiology", "general" });
        var privacy = answer.GetProperty("privacy");
        Assert.Equal("choice", privacy.GetProperty("mechanism").GetString());
        Assert.Equal(0.5, privacy.GetProperty("epsilon").GetDouble());
        Assert.Equal(0.25 / 8, privacy.GetProperty("rho").GetDouble());
        var accounts = privacy.GetProperty("accounts").EnumerateArray().ToList();
        Assert.Equal(4, accounts.Count(account => account.GetProperty("kind").GetString() == "quota" && account.GetProperty("charged").GetDouble() == 0.5));
        Assert.Single(accounts, account => account.GetProperty("kind").GetString() == "data" && account.GetProperty("resetsAt").ValueKind == JsonValueKind.Null);
    }

    [Fact]
    public async Task It_streams_and_the_last_chunk_says_what_it_cost()
    {
        var answer = await RunAsync("openai-stream", "stream");
        Assert.InRange(answer.GetProperty("chunks").GetInt32(), 2, 8);
        Assert.Equal("private-decoding", answer.GetProperty("privacy").GetProperty("mechanism").GetString());
        Assert.InRange(answer.GetProperty("privacy").GetProperty("epsilon").GetDouble(), 0.05, 0.5);
    }

    [Fact]
    public async Task A_public_answer_has_the_json_that_it_asks_for_and_under_its_seed_the_same_again()
    {
        var answer = await RunAsync("openai-form", "form");
        Assert.Contains(answer.GetProperty("read").GetProperty("department").GetString(), new[] { "emergency", "cardiology", "radiology", "general" });
        Assert.Contains(answer.GetProperty("read").GetProperty("urgent").ValueKind, new[] { JsonValueKind.True, JsonValueKind.False });
        Assert.True(answer.GetProperty("same").GetBoolean());
        Assert.Equal("stop", answer.GetProperty("finish").GetString());
    }

    [Fact]
    public async Task A_form_is_refused_where_noise_is_drawn()
    {
        var refusal = await RunAsync("openai-form", "form-with-noise");
        Assert.Equal(400, refusal.GetProperty("status").GetInt32());
        Assert.Contains("public answers only", refusal.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_spent_quota_is_its_rate_limit_error_and_is_not_tried_again()
    {
        var refusal = await RunAsync("openai-exhausted", "exhausted");
        Assert.Equal("RateLimitError", refusal.GetProperty("name").GetString());
        Assert.Equal("rate_limit_exceeded", refusal.GetProperty("code").GetString());
        Assert.Equal(1, refusal.GetProperty("sent").GetInt32());
        Assert.True(int.Parse(refusal.GetProperty("retryAfter").GetString()!, System.Globalization.CultureInfo.InvariantCulture) is > 0 and <= 86_400);
    }

    [Fact]
    public async Task A_wrong_token_is_its_authentication_error()
    {
        var refusal = await RunAsync("wrong", "wrong-token", "not-a-token");
        Assert.Equal("AuthenticationError", refusal.GetProperty("name").GetString());
        Assert.Equal(401, refusal.GetProperty("status").GetInt32());
    }

    private async Task<JsonElement> RunAsync(string user, string scenario, string? token = null)
    {
        var script = NodeClients.Require("openai-client.mjs");
        var (code, output, errors) = await Cli.RunAsync("node", [script, shared.Demo.Url, token ?? await shared.Demo.TokenForAsync(user), scenario]);
        Assert.True(code == 0, errors);
        return JsonSerializer.Deserialize<JsonElement>(output);
    }
}
