using System.Text.Json;
using System.Xml.Linq;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary><c>fedllm account</c> as a privacy officer's script runs it: exit codes, one line of JSON, errors on standard error.</summary>
public sealed class AccountCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedllm-account").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Epsilon_is_a_bracket_at_a_delta_and_noise_is_its_way_back()
    {
        var cost = await Cli.JsonAsync(["account", "epsilon", "--noise", "1", "--rate", "0.01", "--count", "1000", "--delta", "1e-5", "--json"]);
        Assert.InRange(1.828237, cost.GetProperty("epsilonLower").GetDouble(), cost.GetProperty("epsilon").GetDouble());
        Assert.Equal(("AddOrRemoveOne", 1e-5), (cost.GetProperty("relation").GetString(), cost.GetProperty("delta").GetDouble()));

        var noise = await Cli.JsonAsync(["account", "noise", "--epsilon", $"{cost.GetProperty("epsilon").GetDouble():R}", "--rate", "0.01", "--count", "1000", "--delta", "1e-5", "--json"]);
        Assert.Equal(1, noise.GetProperty("noiseMultiplier").GetDouble(), 1e-5);
        Assert.True(noise.GetProperty("epsilon").GetDouble() <= cost.GetProperty("epsilon").GetDouble());

        var (code, output, errors) = await Cli.RunAsync("account", "epsilon", "--noise", "2");
        Assert.True(code == 0 && output.Contains("at delta", StringComparison.Ordinal) && errors.Length == 0, output + errors);
    }

    [Theory]
    [InlineData("epsilon", "--rate", "1.5")]
    [InlineData("epsilon", "--delta", "2")]
    [InlineData("epsilon", "--mechanism", "magic")]
    [InlineData("noise", "--epsilon", "-1")]
    [InlineData("compare", "--noise", "-3")]
    public async Task What_cannot_be_meant_is_one_line_and_exit_code_2(string command, string option, string value)
    {
        var (code, output, errors) = await Cli.RunAsync("account", command, option, value, "--json");
        Assert.Equal(2, code);
        Assert.Equal(errors.Trim(), JsonSerializer.Deserialize<JsonElement>(output).GetProperty("error").GetString());
        Assert.Matches("^fedllm account [a-z]+: .+\n$", errors);
    }

    [Fact]
    public async Task Plans_are_made_from_a_promise()
    {
        var training = await Cli.JsonAsync(["account", "plan", "training", "--epsilon", "2", "--delta", "1e-5", "--rate", "0.02", "--steps", "500", "--json"]);
        Assert.InRange(training.GetProperty("epsilon").GetDouble(), 1.99, 2);
        Assert.True(training.GetProperty("epsilonByRenyi").GetDouble() >= training.GetProperty("epsilon").GetDouble());
        var answer = await Cli.JsonAsync(["account", "plan", "answer", "--epsilon", "4", "--tokens", "128", "--voters", "100", "--json"]);
        Assert.Equal(3.5, answer.GetProperty("largestShiftNats").GetDouble(), 0.1);
        var votes = await Cli.JsonAsync(["account", "plan", "votes", "--epsilon", "10", "--per-day", "20", "--json"]);
        Assert.Equal(7300, votes.GetProperty("votes").GetDouble());
        var resets = await Cli.JsonAsync(["account", "plan", "resets", "--epsilon", "1", "--windows", "52", "--json"]);
        Assert.Equal(8.914220, resets.GetProperty("zcdpEpsilon").GetDouble(), 1e-5);
    }

    [Fact]
    public async Task Compare_draws_a_table_a_plot_and_a_picture_that_is_well_formed()
    {
        var picture = Path.Combine(_folder, "compare.svg");
        string[] plan = ["account", "compare", "--mechanism", "laplace", "--noise", "10", "--count", "300"];
        var (code, output, errors) = await Cli.RunAsync([.. plan, "--svg", picture]);
        Assert.True(code == 0 && errors.Length == 0, errors);
        Assert.All(["basic", "advanced", "rdp", "zcdp", "pld", "releases"], word => Assert.Contains(word, output, StringComparison.Ordinal));
        XNamespace svg = "http://www.w3.org/2000/svg";
        Assert.Equal(5, XDocument.Load(picture).Root!.Elements(svg + "polyline").Count());

        var accountants = (await Cli.JsonAsync([.. plan, "--json"])).GetProperty("accountants");
        double Last(string name) => accountants.GetProperty(name).EnumerateArray().Last().GetDouble();
        Assert.True(Last("pld") <= Last("rdp") && Last("rdp") <= Last("zcdp") && Last("zcdp") < Last("basic") && Last("pld") <= Last("advanced"));

        var (missing, _, message) = await Cli.RunAsync([.. plan, "--svg", Path.Combine(_folder, "no", "such", "folder.svg")]);
        Assert.Equal(2, missing);
        Assert.Matches("^fedllm account [a-z]+: .+\n$", message);
    }

    [Fact]
    public async Task Evaluate_answers_what_it_can_and_names_what_it_cannot()
    {
        var (code, answers) = await EvaluateAsync("""
            [{"name":"good","mechanism":"gaussian","parameters":{"sigma":1,"epsilon":1},"quantity":"delta"},
             {"name":"list","mechanism":"dclip_exponential","parameters":{"clip":1,"voters":7,"temperature":1.1,"tokens":500,"delta":1e-6},"quantity":"rho,epsilon"},
             {"name":"endless","mechanism":"gaussian","parameters":{"sigma":0,"delta":1e-6},"quantity":"epsilon"},
             {"name":"impossible","mechanism":"kov_optimal","parameters":{"epsilon":1,"delta":0.01,"compositions":30,"total_delta":0.06},"quantity":"epsilon"},
             {"name":"stranger","mechanism":"crystal_ball","parameters":{},"quantity":"delta"},
             {"name":"odd","mechanism":"gaussian","parameters":{"sigma":1},"quantity":"charm"},
             {"name":"short","mechanism":"gaussian","parameters":{"epsilon":1},"quantity":"delta"},
             {"name":"shapeless","mechanism":"gaussian","parameters":[],"quantity":"delta"}, 7]
            """);
        Assert.Equal((2, 9), (code, answers.Length));
        Assert.Equal(0.126936737507, answers[0].GetProperty("value").GetDouble(), 1e-9);
        Assert.Equal(2, answers[1].GetProperty("value").GetArrayLength());
        Assert.Equal("Infinity", answers[2].GetProperty("value").GetString());
        Assert.Equal(JsonValueKind.Null, answers[3].GetProperty("value").ValueKind);
        Assert.All(answers[4..], answer => Assert.False(string.IsNullOrWhiteSpace(answer.GetProperty("error").GetString())));
        Assert.Contains("crystal_ball", answers[4].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(["good", "list", "endless", "impossible", "stranger", "odd", "short", "shapeless"], answers[..8].Select(answer => answer.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Evaluate_exits_with_0_where_everything_is_answered_and_with_2_where_the_file_cannot_be_read()
    {
        Assert.Equal(0, (await EvaluateAsync("""[{"name":"a","mechanism":"zcdp_to_dp","parameters":{"rho":0.1,"delta":1e-6},"quantity":"epsilon"}]""")).Code);
        await File.WriteAllTextAsync(Path.Combine(_folder, "broken.json"), "[{", TestContext.Current.CancellationToken);
        foreach (var file in new[] { "broken.json", "absent.json" })
        {
            var (code, output, errors) = await Cli.RunAsync("account", "evaluate", Path.Combine(_folder, file));
            Assert.Equal((2, ""), (code, output));
            Assert.Contains(file, errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_numeric_entry_of_the_published_vectors_is_answered()
    {
        var vectors = JsonDocument.Parse(await File.ReadAllTextAsync(SharedData.Path("dp", "vectors.json"), TestContext.Current.CancellationToken)).RootElement.GetProperty("vectors");
        var numeric = vectors.EnumerateArray().Where(vector => vector.GetProperty("kind").GetString() == "numeric").ToArray();
        var (code, answers) = await EvaluateAsync(JsonSerializer.Serialize(numeric));
        Assert.Equal((0, 125), (code, answers.Length));
        Assert.All(answers, answer => Assert.True(answer.TryGetProperty("value", out _)));
    }

    private async Task<(int Code, JsonElement[] Answers)> EvaluateAsync(string queries)
    {
        var file = Path.Combine(_folder, "queries.json");
        await File.WriteAllTextAsync(file, queries, TestContext.Current.CancellationToken);
        var (code, output, errors) = await Cli.RunAsync("account", "evaluate", file);
        Assert.Equal("", errors);
        return (code, [.. JsonSerializer.Deserialize<JsonElement>(Assert.Single(output.TrimEnd('\n').Split('\n'))).EnumerateArray()]);
    }
}
