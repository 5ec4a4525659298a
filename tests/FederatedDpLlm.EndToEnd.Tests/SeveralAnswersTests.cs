using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>n answers of one request cost n times, whoever draws the noise, and usage counts what was read and written.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class SeveralAnswersTests(SharedFederation shared)
{
    [Theory, InlineData("node"), InlineData("router")]
    public async Task Several_choices_cost_as_many_times_one(string trust)
    {
        var token = await shared.Demo.TokenForAsync("several-" + trust, "cardiology");
        var (status, body, _) = await shared.Demo.AskAsync(token, FederationUnderTest.Choice(0.5, trust, n: 3));
        Assert.True(status == 200, body.ToString());
        Assert.Equal([0, 1, 2], body.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.All(body.GetProperty("choices").EnumerateArray(), choice => Assert.Contains(
            choice.GetProperty("message").GetProperty("content").GetString(), new[] { "emergency", "cardiology", "radiology", "general" }));
        Assert.Equal((1.5, 3 * 0.25 / 8), (body.GetProperty("privacy").GetProperty("epsilon").GetDouble(), body.GetProperty("privacy").GetProperty("rho").GetDouble()));
        var factor = trust == "node" ? 2 : 4;
        Assert.All(
            body.GetProperty("privacy").GetProperty("accounts").EnumerateArray(),
            account => Assert.Equal(account.GetProperty("kind").GetString() == "data" ? factor * 3 * 0.25 / 8 : 1.5, account.GetProperty("charged").GetDouble(), 1e-9));
        AssertUsage(body, atLeast: 3);
    }

    [Theory, InlineData("node"), InlineData("router")]
    public async Task Several_decoded_answers_are_charged_for_what_each_used(string trust)
    {
        var token = await shared.Demo.TokenForAsync("decodes-several-" + trust, "cardiology");
        var (status, body, _) = await shared.Demo.AskAsync(token, new
        {
            model = "ward-2m",
            n = 2,
            max_tokens = 6,
            messages = new[] { new { role = "user", content = "Describe a patient." } },
            privacy = new { epsilon = 1.0, trust },
        });
        Assert.True(status == 200, body.ToString());
        Assert.Equal(2, body.GetProperty("choices").GetArrayLength());
        var (epsilon, delta) = (body.GetProperty("privacy").GetProperty("epsilon").GetDouble(), body.GetProperty("privacy").GetProperty("delta").GetDouble());
        Assert.InRange(epsilon, 0.1, 2);
        Assert.InRange(delta, 0, 2e-6);
        Assert.InRange(body.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), 0, 12);
        AssertUsage(body, atLeast: 0);
        Assert.Equal(epsilon, await shared.Demo.SpentByAsync("decodes-several-" + trust) / Math.Pow(2, 50), 1e-6);
    }

    [Theory, InlineData("node", false), InlineData("router", false), InlineData("node", true)]
    public async Task Several_answers_come_in_one_stream_each_under_its_index_and_the_cost_on_the_last_chunk(string trust, bool includeUsage)
    {
        const int Answers = 3;
        var user = $"streams-several-{trust}-{includeUsage}";
        var chunks = await shared.Demo.StreamAsync(await shared.Demo.TokenForAsync(user, "cardiology"), new
        {
            model = "ward-2m",
            n = Answers,
            stream = true,
            stream_options = new { include_usage = includeUsage },
            max_tokens = 6,
            messages = new[] { new { role = "user", content = "Describe a patient." } },
            privacy = new { epsilon = 0.25, trust },
        });
        var said = chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray()).GroupBy(choice => choice.GetProperty("index").GetInt32()).OrderBy(answer => answer.Key).ToList();
        Assert.Equal(Enumerable.Range(0, Answers), said.Select(answer => answer.Key));
        foreach (var answer in said)
        {
            // Each begins with its role, once, and ends with its reason, once.
            Assert.Equal("assistant", answer.First().GetProperty("delta").GetProperty("role").GetString());
            Assert.Single(answer, choice => choice.GetProperty("delta").TryGetProperty("role", out _));
            Assert.Contains(answer.Last().GetProperty("finish_reason").GetString(), new[] { "stop", "length" });
            Assert.Single(answer, choice => choice.TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String);
        }

        Assert.Single(chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct());
        Assert.All(chunks.SkipLast(1), chunk => Assert.False(chunk.TryGetProperty("privacy", out var early) && early.ValueKind == JsonValueKind.Object));
        var privacy = chunks[^1].GetProperty("privacy");
        Assert.Equal(privacy.GetProperty("epsilon").GetDouble(), await shared.Demo.SpentByAsync(user) / Math.Pow(2, 50), 1e-6);
        Assert.InRange(privacy.GetProperty("epsilon").GetDouble(), 0.01, 0.25 * Answers);
        if (includeUsage)
        {
            Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
            AssertUsage(chunks[^1], atLeast: 0);
            Assert.InRange(chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32(), 0, 6 * Answers);
        }
    }

    [Fact]
    public async Task Text_held_back_for_a_stop_text_is_no_token_of_its_own()
    {
        const int Tokens = 8;
        var token = await shared.Demo.TokenForAsync("stops");
        async Task<JsonElement> Ask(params string[] stop) => (await shared.Demo.AskAsync(token, new
        {
            model = "ward-2m",
            max_tokens = Tokens,
            temperature = 0,
            stop,
            messages = new[] { new { role = "user", content = "Describe a typical patient." } },
            privacy = new { mechanism = "public" },
        })).Body;
        var (plain, finish, completion) = Read(await Ask());
        Assert.NotEmpty(plain);
        Assert.InRange(completion, 1, Tokens);
        Assert.Equal((plain, finish, completion), Read(await Ask(plain[^1] + "\u2603")));
        var stopped = Read(await Ask(plain[1..3]));
        Assert.Equal((plain[..1], "stop"), (stopped.Text, stopped.Finish));
        Assert.InRange(stopped.Tokens, 1, completion);

        static (string Text, string Finish, int Tokens) Read(JsonElement body) => (
            body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!,
            body.GetProperty("choices")[0].GetProperty("finish_reason").GetString()!,
            body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task A_purpose_is_a_name_and_no_place_for_text()
    {
        var token = await shared.Demo.TokenForAsync("writes-purposes", "cardiology");
        foreach (var purpose in new[] { "Mrs Miller has a cough", new string('a', 300), "\ud800", string.Empty })
        {
            var (status, body, _) = await shared.Demo.AskAsync(token, new { model = "ward-2m", max_tokens = 4, messages = new[] { new { role = "user", content = "Who?" } }, privacy = new { mechanism = "public", purpose } });
            Assert.Equal(400, status);
            Assert.DoesNotContain("Miller", body.ToString(), StringComparison.Ordinal);
        }

        Assert.DoesNotContain("Miller", (await shared.Demo.StateAsync()).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_answers_than_the_quota_holds_are_refused_together()
    {
        var token = await shared.Demo.TokenForAsync("asks-too-many");
        var (status, body, _) = await shared.Demo.AskAsync(token, FederationUnderTest.Choice(2, n: 11));
        Assert.Equal(429, status);
        Assert.Equal("user:asks-too-many", body.GetProperty("error").GetProperty("account").GetProperty("id").GetString());
        Assert.Equal(0, await shared.Demo.SpentByAsync("asks-too-many"));
        Assert.Equal(400, (await shared.Demo.AskAsync(token, FederationUnderTest.Choice(0.1, n: 0))).Status);
        Assert.Equal(400, (await shared.Demo.AskAsync(token, FederationUnderTest.Choice(0.1, n: 17))).Status);
    }

    [Fact]
    public async Task A_longer_question_counts_more_prompt_tokens_and_the_records_none()
    {
        var token = await shared.Demo.TokenForAsync("counts-tokens", "cardiology");
        async Task<int> PromptTokens(string content, string mechanism) => (await shared.Demo.AskAsync(token, new
        {
            model = "ward-2m",
            max_tokens = 4,
            messages = new[] { new { role = "user", content } },
            privacy = new { mechanism, epsilon = mechanism == "public" ? (double?)null : 0.5 },
        })).Body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        var brief = await PromptTokens("Who?", "public");
        Assert.InRange(brief, 1, 40);
        Assert.Equal(brief, await PromptTokens("Who?", "private-decoding"));
        Assert.True(await PromptTokens("Who of all the patients of this hospital came with chest pain last week?", "public") > brief + 8);
    }

    private static void AssertUsage(JsonElement body, int atLeast)
    {
        var usage = body.GetProperty("usage");
        var (prompt, completion) = (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32());
        Assert.True(prompt > 0 && completion >= atLeast);
        Assert.Equal(prompt + completion, usage.GetProperty("total_tokens").GetInt32());
    }
}
