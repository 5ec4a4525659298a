using System.Text.Json;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Real processes whose engines break at one asker's questions, and what an officer then sees.</summary>
[Trait(TestLength.Name, TestLength.Ci)]
public sealed class PoisonousQuestionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_asker_takes_no_hospital_from_the_others_two_take_them_out_and_the_page_shows_each_state_and_the_engines_load()
    {
        await using var engine = await PoisonableEngine.StartAsync();
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "2");
        foreach (var (hospital, processId) in demo.Nodes)
        {
            await SetEngineAsync(demo, hospital, $"engine: {{kind: vllm, base_url: '{engine.Address}', remote_model: {PoisonableEngine.Model}, scores: answered_letter}}");
            FederationUnderTest.Kill(processId);
        }

        await Patience.UntilAsync(
            async () => (await demo.StateAsync()).GetProperty("hospitals").EnumerateArray().All(one => one.GetProperty("healthy").GetBoolean() && one.GetProperty("model").GetString() == PoisonableEngine.Model),
            "both hospitals serve the new engine");
        Assert.Matches("fedllm_node_engine_waiting[^\n]*node=\"hospital-a\"[^\n]* 7( |\n)", await demo.Client.GetStringAsync(demo.MetricsUrl, Cancel));

        for (var question = 0; question < 4; question++)
        {
            Assert.Equal(503, await AskAsync(demo, "poisoner", $"poison {question}"));
        }

        Assert.Equal(200, await AskAsync(demo, "somebody-else", "Are you well?"));
        Assert.All((await demo.StateAsync()).GetProperty("hospitals").EnumerateArray(), one => Assert.Equal("answers", one.GetProperty("state").GetString()));

        // Whoever comes next breaks them as well: then it is they.
        var (ready, users) = (string.Empty, 0);
        await Patience.UntilAsync(
            async () =>
            {
                await AskAsync(demo, $"unlucky-{++users}", "poison");
                ready = await (await demo.Client.GetAsync("/health/ready", Cancel)).Content.ReadAsStringAsync(Cancel);
                return ready != "ready";
            },
            "no hospital is asked any more");
        Assert.Matches("^no hospital's node answers: .*public: broke at its last \\d+ questions; one is let through after \\d+ s", ready);

        var script = NodeClients.Require("page-states.mjs");
        var chromium = NodeClients.RequireChromium();
        var screenshot = Path.Combine(demo.DataFolder, "page-states.png");
        var (code, output, errors) = await Cli.RunAsync("node", [script, chromium, demo.Url, "on trial", screenshot]);
        Assert.True(code == 0, errors);
        var cards = JsonSerializer.Deserialize<JsonElement>(output).GetProperty("cards").EnumerateArray().ToList();
        var trial = cards.First(card => card.GetProperty("state").GetString() == "on trial");
        Assert.Matches("^public: broke at its last \\d+ questions; one is let through after \\d+ s; last seen", trial.GetProperty("trouble").GetString());
        Assert.Equal("3 busy, 7 waiting", trial.GetProperty("engine").GetString());

        await Patience.UntilAsync(async () => await AskAsync(demo, "somebody-else", "Are you well again?") == 200, "an answer brings a hospital back");
        Assert.Contains((await demo.StateAsync()).GetProperty("hospitals").EnumerateArray(), one => one.GetProperty("state").GetString() == "answers");
    }

    private static async Task<int> AskAsync(FederationUnderTest demo, string user, string words)
    {
        var body = new { model = PoisonableEngine.Model, max_tokens = 4, messages = new[] { new { role = "user", content = words } }, privacy = new { mechanism = "public" } };
        return (await demo.AskAsync(await demo.TokenForAsync(user), body)).Status;
    }

    private static async Task SetEngineAsync(FederationUnderTest demo, string hospital, string engine)
    {
        var path = Path.Combine(demo.DataFolder, "nodes", hospital, "node.yaml");
        var yaml = await File.ReadAllTextAsync(path, Cancel);
        Assert.Contains("engine: {kind: embedded}", yaml, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, yaml.Replace("engine: {kind: embedded}", engine, StringComparison.Ordinal), Cancel);
    }
}
