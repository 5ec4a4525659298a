using System.Text.Json;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary><c>fedllm shard</c> as scripts run it.</summary>
public sealed class ShardCommandTests
{
    [Fact]
    public async Task Every_strategy_prints_the_hash_of_the_unsharded_run_also_when_a_shard_is_killed()
    {
        var whole = await Cli.JsonAsync(["shard", "demo", "--strategy", "none", "--tokens", "12", "--json"]);
        Check(whole, "none", 1);
        foreach (var (strategy, degree, more) in new (string, int, string[])[]
        {
            ("layer", 2, []), ("tensor", 2, []), ("tensor-pipeline", 4, []), ("pipeline", 2, ["--kill", "5"]), ("attention", 2, ["--kill", "5", "--spares", "0"]),
        })
        {
            var cut = await Cli.JsonAsync(["shard", "demo", "--strategy", strategy, "--degree", $"{degree}", "--tokens", "12", "--json", .. more]);
            Check(cut, strategy, degree);
            Assert.Equal(whole.GetProperty("logitsSha256").GetString(), cut.GetProperty("logitsSha256").GetString());
            Assert.Equal(whole.GetProperty("tokenIds").GetRawText(), cut.GetProperty("tokenIds").GetRawText());
            if (more.Length > 0)
            {
                Assert.Contains(cut.GetProperty("killedPid").GetInt32(), cut.GetProperty("pids").EnumerateArray().Select(pid => pid.GetInt32()));
                Assert.True(cut.GetProperty("stallMilliseconds").GetDouble() > 0);
            }
        }
    }

    [Fact]
    public async Task The_inversion_reads_the_prompt_out_of_hidden_states()
    {
        var shown = await Cli.JsonAsync(["shard", "inversion", "--json"]);
        Assert.Equal(1.0, shown.GetProperty("replay").GetDouble());
        Assert.True(shown.GetProperty("nearestEmbedding").GetDouble() > 0.25);
        Assert.Equal(shown.GetProperty("prompt").GetString(), shown.GetProperty("replayText").GetString());
    }

    [Theory]
    [InlineData("demo", "--strategy", "tensor", "--degree", "8"), InlineData("demo", "--strategy", "none", "--kill", "3"), InlineData("serve", "--config", "nowhere.yaml")]
    public async Task A_wrong_call_is_refused_with_a_reason(params string[] arguments)
    {
        var (code, _, errors) = await Cli.RunAsync(["shard", .. arguments]);
        Assert.Equal(2, code);
        Assert.NotEmpty(errors);
    }

    [Theory]
    [InlineData("port", "65536", "0 (any free one) to 65535"), InlineData("port", "-1", "0 (any free one) to 65535")]
    [InlineData("threads", "0", "1 to 1024"), InlineData("threads", "1025", "1 to 1024")]
    [InlineData("memory_mebibytes", "0", "1 to 16777216"), InlineData("memory_mebibytes", "9223372036854775807", "1 to 16777216")]
    [InlineData("address", "nowhere", "an IP address")]
    public async Task A_shard_that_must_not_start_says_which_value_is_wrong_and_what_to_give(string key, string value, string range)
    {
        var folder = PassingFolder.Make();
        var configuration = Path.Combine(folder, "shard.yaml");
        using (var authority = FederationAuthority.Create("demo", TimeProvider.System))
        {
            authority.IssueInto(folder, PeerIdentity.Shard("demo", "shard-0")).Dispose();
        }

        await File.WriteAllTextAsync(
            configuration,
            $"{key}: {value}\n" + "federation: demo\nnode: shard-0\nzone: hospital-a\ncoordinator: hospital-a\nmodel: none\nidentity: {certificate: link.pem, key: link.key, authority: ca.pem}\n",
            TestContext.Current.CancellationToken);
        var (code, output, errors) = await Cli.RunAsync("shard", "serve", "--config", configuration);
        Assert.Equal((2, string.Empty), (code, output));
        Assert.Contains($"'{key}' is ", errors, StringComparison.Ordinal);
        Assert.Contains(value, errors, StringComparison.Ordinal);
        Assert.Contains(range, errors, StringComparison.Ordinal);
    }

    private static void Check(JsonElement line, string strategy, int degree)
    {
        Assert.Equal(
            ["strategy", "degree", "model", "bitEqual", "tokenIds", "logitsSha256", "pids", "killedPid", "tokensLost", "tokensChanged", "stallMilliseconds"],
            line.EnumerateObject().Select(property => property.Name));
        Assert.Equal(strategy, line.GetProperty("strategy").GetString());
        Assert.Equal(degree, line.GetProperty("pids").GetArrayLength());
        Assert.True(line.GetProperty("bitEqual").GetBoolean());
        Assert.Equal(12, line.GetProperty("tokenIds").GetArrayLength());
        Assert.Equal((0, 0), (line.GetProperty("tokensLost").GetInt32(), line.GetProperty("tokensChanged").GetInt32()));
    }
}
