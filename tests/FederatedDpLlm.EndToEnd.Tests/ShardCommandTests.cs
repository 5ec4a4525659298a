using System.Text.Json;

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
