using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CsCheck;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The audit log is complete: each request that came in leaves its decision, whatever became of it, and nothing of what it said.</summary>
public sealed class AuditTests
{
    // In every prompt, and wherever a caller can write what he likes: in the log nowhere.
    private const string Word = "zebrafish";

    // A request, the status that it gets, and what the log holds of it: "decision:reason" in their order.
    private static readonly (string Name, object Body, int Status, string Log)[] Kinds =
    [
        ("choice", Ask(new { epsilon = 0.01, choices = new[] { Word, "other" } }), 200, "Admitted: Answered:"),
        ("choice, noise at the router", Ask(new { epsilon = 0.01, choices = new[] { Word, "other" }, trust = "router" }), 200, "Admitted: Answered:"),
        ("private decoding", Ask(new { epsilon = 0.05 }), 200, "Admitted: Answered:"),
        ("private decoding, as a stream", Ask(new { epsilon = 0.05 }, stream: true), 200, "Admitted: Answered:"),
        ("public", Ask(new { mechanism = "public" }), 200, "Admitted:public-model Answered:public-model"),
        ("public, as a stream", Ask(new { mechanism = "public" }, stream: true), 200, "Admitted:public-model Answered:public-model"),
        ("more than the quota", Ask(new { epsilon = 50, choices = new[] { "a", "b" } }), 429, "Refused:budget-exhausted"),
        ("epsilon above any", Ask(new { epsilon = 101, choices = new[] { "a", "b" } }), 400, "Refused:invalid-request"),
        ("negative epsilon", Ask(new { epsilon = -1 }), 400, "Refused:invalid-value"),
        ("unknown mechanism", Ask(new { mechanism = Word }), 400, "Refused:invalid-value"),
        ("unknown strategy", Ask(new { strategy = Word }), 400, "Refused:invalid-value"),
        ("unknown trust", Ask(new { trust = Word }), 400, "Refused:invalid-value"),
        ("purpose that is a text", Ask(new { purpose = $"to ask of a {Word}" }), 400, "Refused:invalid-value"),
        ("purpose without a quota", Ask(new { purpose = Word, epsilon = 0.1 }), 400, "Refused:invalid-request"),
        ("seed in a private mode", new { model = "ward-2m", seed = 1, messages = new[] { new { role = "user", content = Word } } }, 400, "Refused:invalid-request"),
        ("unknown model", new { model = Word, messages = new[] { new { role = "user", content = Word } } }, 404, "Refused:model-not-found"),
        ("no messages", new { model = "ward-2m" }, 400, "Refused:invalid-value"),
        ("unknown role", new { model = "ward-2m", messages = new[] { new { role = Word, content = Word } } }, 400, "Refused:invalid-value"),
        ("no JSON", $"{{\"{Word}\": ", 400, "Refused:invalid-body"),
        ("JSON of another shape", $"{{\"messages\": {{\"{Word}\": 1}}}}", 400, "Refused:invalid-body"),
        ("half a character", "{\"model\": \"ward-2m\", \"messages\": [{\"role\": \"user\", \"content\": \"\\ud800\"}]}", 400, "Refused:invalid-value"),
        ("half a character in a part", "{\"model\": \"ward-2m\", \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"\\ud800\", \"text\": \"x\"}]}]}", 400, "Refused:invalid-value"),
        ("half a character in a form", Form("{\"enum\": [\"\\ud800\"]}"), 400, "Refused:invalid-request"),
        ("half a character in a form's name", Form("{\"type\": \"object\", \"properties\": {\"\\ud800\": {}}, \"required\": [\"\\ud800\"]}"), 400, "Refused:invalid-body"),
        ("one token twice", "{\"model\": \"ward-2m\", \"logit_bias\": {\"1\": 1, \"01\": 1}, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}", 400, "Refused:invalid-value"),
        ("too long", new string(' ', 1024 * 1024) + Word, 413, "Refused:invalid-body"),
    ];

    [Fact]
    public async Task Every_request_leaves_exactly_its_decision_and_no_word_of_its_own()
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "2");
        var token = await demo.TokenForAsync("is-logged", "cardiology");
        var unauthenticated = 0;
        await AskAllAsync([.. Enumerable.Range(0, Kinds.Length + 1)]);
        await Gen.Int[0, Kinds.Length].Array[40].SampleAsync(AskAllAsync, iter: 1, threads: 1);

        var department = await SendAsync(demo, await demo.TokenForAsync("of-no-department", "archive"), Ask(new { epsilon = 0.1 }));
        AssertLog(demo, "department without a quota", department, 400, "Refused:invalid-request");
        var officer = await SendAsync(demo, await demo.TokenForAsync("an-officer", "cardiology", "privacy-officer"), Ask(new { epsilon = 0.1 }));
        AssertLog(demo, "a role that does not ask", officer, 403, "Refused:role-may-not-ask");
        AssertLog(demo, "an id that is none", await SendAsync(demo, token, Ask(new { epsilon = 0.1 }), $"{Word} and more"), 400, "Refused:invalid-value");

        // Under an id of its caller's: asked once, given twice, refused with another body.
        var once = Ask(new { mechanism = "public" });
        await SendAsync(demo, token, once, "mine");
        var log = "Admitted:public-model Answered:public-model Answered:stored-answer";
        AssertLog(demo, "a repeat", await SendAsync(demo, token, once, "mine"), 200, log);
        AssertLog(demo, "an id of another request", await SendAsync(demo, token, Ask(new { epsilon = 0.1 }), "mine"), 409, log + " Refused:idempotency-key-reused");

        // What came without a token was counted; the first of its kind in a minute is there already.
        var entries = AuditLog.Latest(demo.RouterLedger, int.MaxValue);
        var refused = entries.Where(entry => entry.Record.Decision == AuditDecision.Unauthenticated).ToList();
        Assert.InRange(refused.Sum(entry => int.Parse(entry.Record.Details["count"], CultureInfo.InvariantCulture)), 1, unauthenticated);
        Assert.DoesNotContain(Word, JsonSerializer.Serialize(entries), StringComparison.Ordinal);
        Assert.All(demo.Nodes, node => AssertHospitalsLog(AuditLog.Latest(demo.NodeLedger(node.Id), int.MaxValue)));
        await Cli.AssertVerifiedAsync(demo.DataFolder);

        async Task AskAllAsync(int[] kinds)
        {
            foreach (var kind in kinds)
            {
                if (kind == Kinds.Length)
                {
                    Assert.Equal(401, (await SendAsync(demo, Word, Kinds[0].Body)).Status);
                    unauthenticated++;
                    continue;
                }

                var (name, body, status, expected) = Kinds[kind];
                AssertLog(demo, name, await SendAsync(demo, token, body), status, expected);
            }
        }
    }

    private static object Ask(object privacy, bool stream = false) => new
    {
        model = "ward-2m",
        stream,
        max_tokens = 2,
        messages = new[] { new { role = "user", content = $"What of the {Word}?" } },
        privacy,
    };

    private static string Form(string schema) =>
        $"{{\"model\": \"ward-2m\", \"privacy\": {{\"mechanism\": \"public\"}}, \"messages\": [{{\"role\": \"user\", \"content\": \"x\"}}], \"response_format\": {{\"type\": \"json_schema\", \"json_schema\": {{\"name\": \"x\", \"schema\": {schema}}}}}}}";

    private static void AssertLog(FederationUnderTest demo, string name, (int Status, string? RequestId, string Body) response, int status, string log)
    {
        Assert.True(response.Status == status, $"{name}: {response.Status} {response.Body}");
        Assert.True(response.RequestId is not null, name);
        var entries = AuditLog.Latest(demo.RouterLedger, 64).Where(entry => entry.Record.RequestId == response.RequestId).Reverse().ToList();
        Assert.Equal((name, log), (name, string.Join(' ', entries.Select(entry => $"{entry.Record.Decision}:{entry.Record.Details["reason"]}"))));
        Assert.All(entries, entry => Assert.All(["mechanism", "epsilon", "strategy", "department"], detail => Assert.Contains(detail, entry.Record.Details)));
    }

    // The hospital's own log, of all that reached it: each draw is one decision, and where admitted one end.
    private static void AssertHospitalsLog(IReadOnlyList<AuditEntry> entries)
    {
        var draws = entries.Reverse().Where(entry => entry.Record.Decision != AuditDecision.AccountOpened).GroupBy(entry => entry.Record.RequestId).ToList();
        Assert.NotEmpty(draws);
        Assert.All(draws, draw => Assert.True(
            draw.Select(entry => entry.Record.Decision).ToArray() is [AuditDecision.Refused] or [AuditDecision.Admitted, AuditDecision.Answered or AuditDecision.Failed or AuditDecision.Refused],
            $"{draw.Key}: {string.Join(", ", draw.Select(entry => entry.Record.Decision))}"));
        Assert.DoesNotContain(Word, JsonSerializer.Serialize(entries), StringComparison.Ordinal);
    }

    private static async Task<(int Status, string? RequestId, string Body)> SendAsync(FederationUnderTest demo, string token, object body, string? id = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (id is not null)
        {
            request.Headers.Add("Idempotency-Key", id);
        }

        using var response = await demo.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return (
            (int)response.StatusCode,
            response.Headers.TryGetValues("x-request-id", out var ids) ? ids.Single() : null,
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
