using System.Diagnostics;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Hospitals whose model is cut over processes of their own answer as others do, also when one of these processes is killed.</summary>
public sealed class ShardedHospitalTests
{
    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public async Task Hospitals_over_shards_answer_privately_and_go_on_when_a_shard_is_killed()
    {
        await using var demo = await FederationUnderTest.StartAsync(null, "--hospitals", "2", "--shards", "2");
        Assert.Equal(["hospital-a-shard-0", "hospital-a-shard-1", "hospital-b-shard-0", "hospital-b-shard-1"], demo.Shards.Select(shard => shard.Id));
        var token = await demo.TokenForAsync("sharded", "cardiology");
        await AnswersAsync(demo, token);
        foreach (var (_, process) in demo.Shards.Where((_, index) => index % 2 == 0))
        {
            using var shard = Process.GetProcessById(process);
            shard.Kill();
        }

        await AnswersAsync(demo, token);
        await Cli.AssertVerifiedAsync(demo.DataFolder);
    }

    private static async Task AnswersAsync(FederationUnderTest demo, string token)
    {
        foreach (var (trust, choices) in new[] { ("node", true), ("router", true), ("node", false), ("router", false) })
        {
            var (status, body, _) = await demo.AskAsync(token, new
            {
                model = "ward-2m",
                messages = new[] { new { role = "user", content = "Which department sees most patients with chest pain?" } },
                max_tokens = choices ? (int?)null : 6,
                privacy = choices ? (object)new { epsilon = 1, trust, choices = new[] { "emergency", "cardiology", "radiology" } } : new { epsilon = 1, trust, mechanism = "private-decoding" },
            });
            Assert.True(status == 200, body.ToString());
            Assert.Equal(trust == "node" ? 25 : 50, body.GetProperty("privacy").GetProperty("voters").GetInt32());
        }
    }
}
