using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;

namespace FederatedDpLlm.Models.Tests.Sharding;

public sealed class LocalShardTests
{
    // Whichever comes first, the request or the end, the answer has the right bits: a race that is lost would read what was given back.
    [Fact]
    public async Task A_shard_of_this_process_is_let_go_of_between_two_requests_and_never_within_one()
    {
        var model = new ShardedRandomModel(RandomModel.Shape with { Layers = 8 });
        var plan = new ShardPlanner(model.Shape, model.Model.Manifest.Root, TrustZones.Only("home")).Plan(1, ShardStrategy.None, BitEqualityTests.Nodes(1));
        ShardWork Work() => new(ShardStepKind.Layers, 0, 8, [new ShardRows(Guid.NewGuid(), 0, 128)], Enumerable.Range(0, 128 * model.Shape.Width).Select(i => i % 13 / 13f).ToArray());
        using var engine = new ShardEngine(model.Shape, RandomModel.Weights(model.Shape), model.Model.Manifest, plan.Shards[0], 1);
        var expected = engine.Compute(Work()).ToArray();

        // Each shard let go of leaves its engine empty and usable, so one engine serves all trials.
        for (var trial = 0; trial < 60; trial++)
        {
            using var shard = new LocalShard(engine);
            using var begun = new ManualResetEventSlim();
            var work = Work();
            var answer = Task.Run(() =>
            {
                begun.Set();
                return shard.ComputeAsync(work, TestContext.Current.CancellationToken);
            });
            begun.Wait(TestContext.Current.CancellationToken);
            Thread.SpinWait(trial * 400);
            shard.Dispose();
            Assert.Equal(expected, (await answer).ToArray());
        }
    }
}
