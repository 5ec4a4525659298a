using System.Text.Json;
using System.Text.RegularExpressions;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary><c>fedllm aggregation demo</c> as scripts run it.</summary>
public sealed partial class AggregationCommandTests
{
    [Fact]
    public async Task All_modes_print_one_hash_of_one_exact_sum_and_what_the_coordinator_saw()
    {
        var results = new List<JsonElement>();
        foreach (var mode in new[] { "mask", "homomorphic", "committee" })
        {
            results.Add(await Cli.JsonAsync(["aggregation", "demo", "--clients", "9", "--parameters", "70000", "--drop", "2", "--mode", mode, "--seed", "7", "--json"]));
            Assert.Equal(mode, results[^1].GetProperty("mode").GetString());
        }

        Assert.All(results, result =>
        {
            Assert.True(result.GetProperty("exact").GetBoolean());
            Assert.Equal((9, 70000, 2), (result.GetProperty("clients").GetInt32(), result.GetProperty("parameters").GetInt32(), result.GetProperty("dropped").GetArrayLength()));
            Assert.Equal(results[0].GetProperty("sumSha256").GetString(), result.GetProperty("sumSha256").GetString());
            Assert.Equal(results[0].GetProperty("dropped").ToString(), result.GetProperty("dropped").ToString());
            Assert.True(result.GetProperty("seconds").GetDouble() > 0 && result.GetProperty("bytesPerClient").GetInt64() > 0);
            Assert.NotEmpty(result.GetProperty("coordinatorSees").EnumerateArray());
        });
    }

    [Theory, InlineData("mask", false), InlineData("homomorphic", true), InlineData("committee", true)]
    public async Task A_round_that_too_many_leave_is_one_line_of_JSON_with_the_reason_and_an_unreviewed_mode_says_so(string mode, bool warns)
    {
        var (code, output, errors) = await Cli.RunAsync("aggregation", "demo", "--clients", "6", "--parameters", "10", "--drop", "4", "--mode", mode, "--json");
        Assert.Equal(1, code);
        var line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var reason = JsonSerializer.Deserialize<JsonElement>(line).GetProperty("error").GetString()!;
        Assert.StartsWith("No sum: TooFewSurvivors.", reason, StringComparison.Ordinal);
        Assert.Contains("of 6 hospitals", reason, StringComparison.Ordinal);
        Assert.Equal(warns, errors.Contains($"mode {mode} was not reviewed by a cryptographer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Another_mode_is_an_error_that_names_the_three()
    {
        var (code, _, errors) = await Cli.RunAsync("aggregation", "demo", "--mode", "paillier");
        Assert.Equal(2, code);
        Assert.All(new[] { "mask", "homomorphic", "committee" }, mode => Assert.Contains(mode, errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_transcript_is_consistent_by_itself_and_authenticated_by_what_the_auditor_knows()
    {
        using var transcript = new TranscriptFile();
        var (parameters, coordinator) = await transcript.RecordAsync(drop: 1);
        await ExpectAsync(0, "consistent", authenticated: false, transcript.Path);
        await ExpectAsync(0, "consistent", authenticated: false, transcript.Path, "--parameters-digest", parameters);
        await ExpectAsync(0, "authenticated", authenticated: true, transcript.Path, "--parameters-digest", parameters, "--coordinator-key", coordinator);
        await ExpectAsync(1, "invalid", authenticated: false, transcript.Path, "--parameters-digest", parameters, "--coordinator-key", parameters);
        await ExpectAsync(1, "invalid", authenticated: false, transcript.Path, "--parameters-digest", coordinator);
        var (code, output, _) = await Cli.RunAsync("aggregation", "verify", transcript.Path);
        Assert.Equal(0, code);
        Assert.StartsWith("Consistent, NOT AUTHENTICATED", output, StringComparison.Ordinal);

        var bytes = await File.ReadAllBytesAsync(transcript.Path, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(transcript.Path, bytes, TestContext.Current.CancellationToken);
        await ExpectAsync(1, "invalid", authenticated: false, transcript.Path);
        await ExpectAsync(2, null, authenticated: false, transcript.Path + ".gone");
    }

    [Fact]
    public async Task A_round_that_ended_without_a_sum_has_a_verdict_and_an_exit_code_of_its_own()
    {
        using var transcript = new TranscriptFile();
        var (parameters, coordinator) = await transcript.RecordAsync(drop: 3);
        await ExpectAsync(3, "ended-without-sum", authenticated: false, transcript.Path);
        await ExpectAsync(3, "ended-without-sum", authenticated: true, transcript.Path, "--parameters-digest", parameters, "--coordinator-key", coordinator);
        var (code, output, _) = await Cli.RunAsync("aggregation", "verify", transcript.Path);
        Assert.Equal(3, code);
        Assert.StartsWith("Ended without a sum (TooFewSurvivors)", output, StringComparison.Ordinal);
        Assert.Contains("Compare the head", output, StringComparison.Ordinal);
    }

    private static async Task ExpectAsync(int code, string? verdict, bool authenticated, params IReadOnlyList<string> arguments)
    {
        var (found, output, errors) = await Cli.RunAsync(["aggregation", "verify", .. arguments, "--json"]);
        Assert.True(code == found, $"Exit code {found}, not {code}: {output}{errors}");
        if (verdict is null)
        {
            Assert.NotEmpty(JsonSerializer.Deserialize<JsonElement>(output).GetProperty("error").GetString()!);
            return;
        }

        var json = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.Equal((verdict, authenticated), (json.GetProperty("verdict").GetString(), json.GetProperty("authenticated").GetBoolean()));
        Assert.Equal(code == 0, json.GetProperty("valid").GetBoolean());
        Assert.True(code == 1 || json.GetProperty("head").GetString() is { Length: 64 });
    }

    /// <summary>A transcript of the demo's round of five hospitals.</summary>
    private sealed partial class TranscriptFile : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-transcript-");

        public string Path => System.IO.Path.Combine(_folder.FullName, "round.transcript");

        public async Task<(string Parameters, string Coordinator)> RecordAsync(int drop)
        {
            var (code, _, errors) = await Cli.RunAsync(
                "aggregation", "demo", "--clients", "5", "--parameters", "1000", "--drop", drop.ToString(System.Globalization.CultureInfo.InvariantCulture), "--transcript", Path, "--json");
            Assert.Equal(drop > 1 ? 1 : 0, code);
            var keys = Keys().Match(errors);
            Assert.True(keys.Success, errors);
            return (keys.Groups[1].Value, keys.Groups[2].Value);
        }

        public void Dispose() => _folder.Delete(recursive: true);

        [GeneratedRegex("parameters ([0-9a-f]{64}), sealed by ([0-9a-f]{64})")]
        private static partial Regex Keys();
    }
}
