using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Every command in the README is run: those of its blocks as they stand, those within its text in their short forms.</summary>
[Collection(SharedFederationCollection.Name), UnsupportedOSPlatform("windows")]
public sealed partial class ReadmeTests(SharedFederation shared)
{
    private const string Notes = "ID,section_header,dialogue\n0,GENHX,How long have you had pain? Eight years.\n1,ROS,Any cough? No.\n2,CC,What brings you here? A headache.\n";

    private const string Canary = "./fedllm demo canary";

    private static readonly string[] Scripts = ["./run.sh", "./test.sh", "./bench.sh"];

    // What makes a command of minutes or hours one of seconds; its own words stay as they are but for the names of files.
    private static readonly Dictionary<string, (string Short, string[] Prints)> WithinText = new(StringComparer.Ordinal)
    {
        ["./fedllm pretrain --out FOLDER"] = ("./fedllm pretrain --out FOLDER --steps 1 --json", ["\"loss\":"]),
        ["./fedllm eval sections --records TRAIN.csv --questions VALIDATION.csv,TEST.csv"] =
            ("./fedllm eval sections --records notes.csv --questions notes.csv,notes.csv --json", ["\"questions\":6", "\"majorityClass\":"]),
        ["./fedllm model inspect --model FILE"] = ($"./fedllm model inspect --model '{Repository.Path("models", "ward-2m")}' --json", ["\"parameters\":1706112"]),
        ["./fedllm train --records notes.jsonl --out adapter --epsilon 8"] = ("./fedllm train --records notes.jsonl --out adapter --epsilon 8 --steps 2 --json", ["\"epsilon\":7.9"]),
    };

    // Run by tests of their own.
    private static readonly string[] RunElsewhere = ["./fedllm demo --shards 2"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_command_in_the_readme_does_what_it_says()
    {
        var commands = (await BlocksAsync()).Where(command => !Scripts.Contains(command.Split(' ')[0])).ToList();
        Assert.True(commands.Count >= 7);
        var token = string.Empty;
        foreach (var command in commands)
        {
            // TOKEN=$(...) names what the commands after it use.
            var sets = command.StartsWith("TOKEN=$(", StringComparison.Ordinal);
            var asked = sets ? command["TOKEN=$(".Length..^1] : command;
            var here = Here(asked).Replace("http://127.0.0.1:8080", shared.Demo.Url, StringComparison.Ordinal).Replace("$TOKEN", token, StringComparison.Ordinal);
            var (code, output, errors) = await Cli.RunAsync("bash", ["-c", NeedsData(asked) ? $"{here} --data '{shared.Demo.DataFolder}'" : here]);
            Assert.True(code == 0, $"{command}\n{output}{errors}");
            Assert.True(output.Length > 0, command);
            Assert.DoesNotContain("\"error\"", output, StringComparison.Ordinal);
            token = sets ? output.Trim() : token;
        }
    }

    [Fact]
    public async Task Every_script_in_the_readme_does_what_it_says()
    {
        var commands = (await BlocksAsync()).Where(command => Scripts.Contains(command.Split(' ')[0])).ToList();
        Assert.All(Scripts, script => Assert.Contains(commands, command => command.Split(' ')[0] == script));
        using var tree = new ScriptTree();
        await File.WriteAllTextAsync(tree.In("notes.csv"), Notes, Cancel);
        foreach (var command in commands)
        {
            await (command.Split(' ')[0] switch
            {
                "./run.sh" => RunAsync(tree, command),
                "./test.sh" => TestAsync(tree, command),
                _ => BenchAsync(tree, command),
            });
        }
    }

    [Fact]
    public async Task Every_command_within_the_readmes_text_runs_in_its_short_form()
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-readme-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "notes.csv"), Notes, Cancel);
        await File.WriteAllLinesAsync(Path.Combine(folder, "notes.jsonl"), Enumerable.Range(0, 24).Select(i => $"{{\"patientId\":\"p{i}\",\"text\":\"Note {i}: a cough, and a drug for it.\"}}"), Cancel);
        var commands = await WithinTextAsync();
        Assert.All(WithinText.Keys, command => Assert.Contains(command, commands));
        foreach (var command in commands.Where(command => !RunElsewhere.Contains(command) && command != Canary))
        {
            var (inShort, prints) = WithinText[command];
            var (code, output, errors) = await Cli.RunAsync("bash", ["-c", $"cd '{folder}' && {Here(inShort)}"]);
            Assert.True(code == 0, $"{inShort}\n{output}{errors}");
            Assert.All(prints, text => Assert.Contains(text, output, StringComparison.Ordinal));
        }

        Directory.Delete(folder, true);
    }

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public async Task The_readmes_demonstration_of_what_a_training_gives_away_runs_in_its_short_form()
    {
        Assert.Contains(Canary, await WithinTextAsync());
        var (code, output, errors) = await Cli.RunAsync("bash", ["-c", Here(Canary) + " --notes 200 --seed 17 --json"], TimeSpan.FromMinutes(12));
        Assert.True(code == 0, output + errors);
        var line = JsonSerializer.Deserialize<JsonElement>(Assert.Single(output.TrimEnd('\n').Split('\n')));
        Assert.Equal((17, 200, 450), (line.GetProperty("seed").GetInt32(), line.GetProperty("notes").GetInt32(), line.GetProperty("steps").GetInt32()));
        var (before, without, with) = (line.GetProperty("untrained"), line.GetProperty("withoutPrivacy"), line.GetProperty("withPrivacy"));
        Assert.All([before, without, with], outcome => Assert.Equal(100, outcome.GetProperty("planted").GetInt32()));

        // Without noise the numbers are recited: most of them, each after 45 looks at its note.
        Assert.Equal("Infinity", without.GetProperty("epsilon").GetString());
        Assert.InRange(without.GetProperty("recited").GetInt32(), 20, 100);
        Assert.InRange(without.GetProperty("exposureBits").GetDouble(), 10, 13.3);
        Assert.InRange(without.GetProperty("membershipAuc").GetDouble(), 0.9, 1);

        // With it none is, and the median rank is chance's: above 2 bits it would need 50 of 100 numbers in their luckiest quarter, which chance gives once in 10^7 runs.
        Assert.Equal(2.998, with.GetProperty("epsilon").GetDouble(), 0.01);
        Assert.Equal(3.326, line.GetProperty("noiseMultiplier").GetDouble(), 0.01);
        Assert.Equal(0, with.GetProperty("recited").GetInt32());
        Assert.InRange(with.GetProperty("exposureBits").GetDouble(), 0, 2);

        // Of 100 notes against 3,000 the curve's area strays by 0.03 (one deviation), and so few notes give away more than the full thousand.
        Assert.InRange(with.GetProperty("membershipAuc").GetDouble(), 0, 0.75);
        Assert.Equal((0, 0.5), (before.GetProperty("recited").GetInt32(), before.GetProperty("membershipAuc").GetDouble()));
    }

    private static async Task RunAsync(ScriptTree tree, string command)
    {
        await using var demo = await FederationUnderTest.StartWithAsync(arguments => tree.Start(command, arguments), null, "--hospitals", "2");
        var choices = command.Contains("section_header", StringComparison.Ordinal) ? new[] { "GENHX", "ROS", "CC" } : ["emergency", "cardiology", "radiology", "general"];
        var (status, body, _) = await demo.AskAsync(demo.Token, new { model = "ward-2m", messages = new[] { new { role = "user", content = "Which is it?" } }, privacy = new { choices } });
        Assert.True(status == 200, $"{command}: {body}");
        Assert.Contains(body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), choices);
        Assert.Equal(2, demo.Nodes.Count);
    }

    // One quick test of the suite, by its name: the whole of it is what is running.
    private static async Task TestAsync(ScriptTree tree, string command)
    {
        var (code, output) = await EndAsync(tree.Start(command, "QuotaWindowTests.A_data_account_never_refills"));
        Assert.True(code == 0, output);
        Assert.EndsWith("\n1 passed, 0 failed, 0 skipped\n", output, StringComparison.Ordinal);
    }

    private static async Task BenchAsync(ScriptTree tree, string command)
    {
        var (code, output) = await EndAsync(tree.Start(command));
        Assert.True(code == 0, output);
        Assert.All(["engine", "ledger-sqlite", "end-to-end"], name => Assert.Contains(name, output, StringComparison.Ordinal));
    }

    private static async Task<(int Code, string Output)> EndAsync(Process process)
    {
        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync(Cancel);
            var output = await process.StandardOutput.ReadToEndAsync(Cancel).WaitAsync(TimeSpan.FromMinutes(3), Cancel);
            await process.WaitForExitAsync(Cancel);
            return (process.ExitCode, process.ExitCode == 0 ? output : output + await errors);
        }
    }

    private static string Here(string command) => command.StartsWith("./fedllm ", StringComparison.Ordinal)
        ? $"dotnet '{Repository.Path("artifacts", "bin", "FederatedDpLlm.Cli", "release", "fedllm.dll")}' {command["./fedllm ".Length..]}"
        : command;

    private static bool NeedsData(string command) => command.StartsWith("./fedllm ", StringComparison.Ordinal) && command.Split(' ')[1] is "budget" or "audit" or "token";

    private static async Task<List<string>> BlocksAsync() =>
        [.. Fenced().Matches(await File.ReadAllTextAsync(Repository.Path("README.md"), Cancel)).SelectMany(block => Joined(block.Groups[1].Value))];

    private static async Task<List<string>> WithinTextAsync() =>
        [.. Quoted().Matches(await File.ReadAllTextAsync(Repository.Path("README.md"), Cancel)).Select(command => command.Groups[1].Value).Distinct()];

    // A command may go on over lines: by a backslash, or inside quotes.
    private static IEnumerable<string> Joined(string block)
    {
        var open = string.Empty;
        foreach (var line in block.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        {
            open += open.Length == 0 ? line : "\n" + line;
            if (open.Count(character => character == '\'') % 2 == 0)
            {
                if (!string.IsNullOrWhiteSpace(open))
                {
                    yield return open.Trim();
                }

                open = string.Empty;
            }
        }
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fenced();

    [GeneratedRegex("`(\\./fedllm [^`\n]+)`")]
    private static partial Regex Quoted();
}
