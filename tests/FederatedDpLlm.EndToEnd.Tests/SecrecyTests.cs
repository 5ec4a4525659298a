using System.Text;
using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Words planted in prompts, options, ids of patients and records are searched for wherever a program of the federation writes.</summary>
public sealed class SecrecyTests
{
    private const string InRecord = "quixarnoblet";
    private const string InPatientId = "pat-zyvolkrend";
    private const string InPrompt = "marblewhisk";
    private const string InOption = "fernquillon";
    private const string InBadRecord = "drossvantle";
    private static readonly string[] Planted = [InRecord, InPatientId, InPrompt, InOption, InBadRecord];

    [Fact]
    public async Task Nothing_that_was_asked_answered_or_recorded_is_written_anywhere_and_a_repeat_survives_the_routers_death()
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-secrecy-").FullName;
        var records = Path.Combine(folder, "records.jsonl");
        await File.WriteAllLinesAsync(
            records,
            [
                .. Enumerable.Range(0, 80).Select(patient => JsonSerializer.Serialize(new { patientId = $"{InPatientId}-{patient}", text = $"Seen for {InRecord}, {InOption}." })),
                $$"""{"patientId": "", "text": "{{InBadRecord}}"}""",
                $$"""{"patientId": "{{InBadRecord}}", "text": """,
            ],
            TestContext.Current.CancellationToken);
        var demo = await FederationUnderTest.StartAsync(Path.Combine(folder, "state"), "--records", records, "--hospitals", "2");
        string page;
        await using (demo)
        {
            var token = await demo.TokenForAsync("secrecy");
            await AskEverythingAsync(demo, token);
            await RouterDiesAndTheRepeatIsAnsweredAsync(demo, token);
            page = await demo.Client.GetStringAsync("/", TestContext.Current.CancellationToken) + await demo.StateAsync() + await demo.Client.GetStringAsync(demo.MetricsUrl, TestContext.Current.CancellationToken);
        }

        AssertClean("the page, its data and the metrics", page);
        AssertClean("standard error of the demo, the router and the nodes", await demo.Errors);
        var searched = Directory.EnumerateFiles(demo.DataFolder, "*", SearchOption.AllDirectories).ToList();
        Assert.Contains(searched, file => Path.GetFileName(file) == "answers.db");
        Assert.True(searched.Count(file => Path.GetFileName(file) == "ledger.db") >= 3);
        foreach (var file in searched)
        {
            var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));

            // The hospital's own copy of its records is where they belong: on its node, and nowhere else.
            if (Path.GetFileName(file) == "records.jsonl" && Path.GetDirectoryName(file)!.Contains("nodes", StringComparison.Ordinal))
            {
                Assert.Contains(InRecord, text, StringComparison.Ordinal);
                continue;
            }

            AssertClean(file, text);
        }

        Directory.Delete(folder, true);
    }

    private static async Task AskEverythingAsync(FederationUnderTest demo, string token)
    {
        foreach (var trust in new[] { "node", "router" })
        {
            Assert.Equal(200, (await demo.AskAsync(token, Choice(0.2, trust))).Status);
            Assert.Equal(200, (await demo.AskAsync(token, Free(0.5, trust))).Status);
        }

        Assert.Equal(429, (await demo.AskAsync(token, Choice(50, "node"))).Status);
        Assert.Equal(400, (await demo.AskAsync(token, Choice(-1, "node"))).Status);
        Assert.Equal(400, (await demo.AskAsync(token, new { model = "ward-2m", messages = new[] { new { role = InPrompt, content = InPrompt } } })).Status);
        Assert.Equal(404, (await demo.AskAsync(token, new { model = "none", messages = new[] { new { role = "user", content = InPrompt } } })).Status);
        Assert.Equal(401, (await demo.AskAsync("not-a-token", Choice(1, "node"))).Status);

        // Longer than the model's context: the node refuses it, and must not quote it.
        Assert.Equal(400, (await demo.AskAsync(token, Free(0.5, "node", string.Join(' ', Enumerable.Repeat(InPrompt, 3000))))).Status);
    }

    private static async Task RouterDiesAndTheRepeatIsAnsweredAsync(FederationUnderTest demo, string token)
    {
        var first = await demo.AskOnceAsync(token, Choice(0.3, "node"), "before-the-end");
        Assert.Equal(200, first.Status);
        FederationUnderTest.Kill(demo.RouterProcessId);
        for (var patience = 0; ; patience++)
        {
            try
            {
                var again = await demo.AskOnceAsync(token, Choice(0.3, "node"), "before-the-end");
                if (again.Status == 200)
                {
                    Assert.Equal(first.Body, again.Body);
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not started again yet.
            }

            Assert.True(patience < 300, "The router did not come back within a minute.");
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
    }

    private static object Choice(double epsilon, string trust) => new
    {
        model = "ward-2m",
        messages = new[] { new { role = "user", content = $"Who has {InPrompt}?" } },
        privacy = new { epsilon, trust, choices = new[] { InOption, "nobody" } },
    };

    private static object Free(double epsilon, string trust, string content = $"What of {InPrompt}?") => new
    {
        model = "ward-2m",
        max_tokens = 6,
        messages = new[] { new { role = "user", content } },
        privacy = new { epsilon, trust },
    };

    private static void AssertClean(string where, string text)
    {
        foreach (var word in Planted)
        {
            var at = text.IndexOf(word, StringComparison.OrdinalIgnoreCase);
            Assert.True(at < 0, $"'{word}' stands in {where}: ...{(at < 0 ? string.Empty : text[Math.Max(0, at - 80)..Math.Min(text.Length, at + 80)])}...");
        }
    }
}
