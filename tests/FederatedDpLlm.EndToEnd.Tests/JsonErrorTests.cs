using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>With <c>--json</c>, what goes wrong is one line of JSON on standard output too, and the sentence for people on standard error.</summary>
public sealed class JsonErrorTests
{
    [Theory]
    [InlineData(2, "demo", "--port", "99999")]
    [InlineData(2, "demo", "--no-such-option")]
    [InlineData(2, "token", "--user", "x", "--data", "/nowhere")]
    [InlineData(2, "budget", "verify", "--data", "/nowhere")]
    [InlineData(2, "shard", "demo", "--degree", "99")]
    [InlineData(2, "shard", "demo", "--degree", "many")]
    [InlineData(2, "shard", "demo", "--kill", "many")]
    [InlineData(2, "pretrain", "--out", "/dev/null/x")]
    [InlineData(2, "account", "noise", "--epsilon", "-1")]
    [InlineData(2, "generate", "--model", "/nowhere", "--prompt", "x", "--tokens", "3")]
    [InlineData(2, "aggregation", "verify", "/nowhere")]
    public async Task A_failure_is_one_line_of_json_and_a_sentence(int expected, params string[] arguments)
    {
        var (code, output, errors) = await Cli.RunAsync([.. arguments, "--json"]);
        Assert.True(code == expected, $"{code}: {output}{errors}");
        Assert.NotEmpty(JsonSerializer.Deserialize<JsonElement>(Assert.Single(output.TrimEnd('\n').Split('\n'))).GetProperty("error").GetString()!);
        Assert.NotEmpty(errors);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }
}
