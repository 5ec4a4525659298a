using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary><c>fedllm aggregation demo</c> as scripts run it.</summary>
public sealed class AggregationCommandTests
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

    [Fact]
    public async Task Another_mode_is_an_error_that_names_the_three()
    {
        var (code, _, errors) = await Cli.RunAsync("aggregation", "demo", "--mode", "paillier");
        Assert.Equal(2, code);
        Assert.All(new[] { "mask", "homomorphic", "committee" }, mode => Assert.Contains(mode, errors, StringComparison.Ordinal));
    }
}
