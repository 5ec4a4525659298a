using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;

namespace FederatedDpLlm.Models.Tests.Sharding;

/// <summary>A shard that gets the other's sums in place of the stream has the stream's own bits, and goes on only from the request before.</summary>
public sealed class GoingOnTests
{
    private static readonly ShardRows Rows = new(Guid.NewGuid(), 0, 1);
    private static readonly ShardedRandomModel Model = new(RandomModel.Shape with { Layers = 2, Heads = 6, KeyValueHeads = 3, HeadSize = 8, FeedForwardWidth = 88 });
    private readonly ShardEngine _one;
    private readonly ShardEngine _other;
    private readonly float[] _stream = [.. Enumerable.Range(0, Model.Shape.Width).Select(i => MathF.Sin(i))];

    public GoingOnTests() => (_one, _other) = (Engine(2, 0), Engine(2, 1));

    [Fact]
    public void Going_on_gives_the_bits_of_the_whole_stream_on_either_side_of_the_cut()
    {
        foreach (var (late, early) in new[] { (_one, _other), (_other, _one) })
        {
            _ = late.Compute(Attention(0, _stream));
            var sums = early.Compute(Attention(0, _stream)).ToArray();
            var byItself = late.Compute(GoOn(ShardStepKind.FeedForward, 0, sums)).ToArray();
            Assert.Equal(late.Compute(new ShardWork(ShardStepKind.FeedForward, 0, 1, [Rows], AfterAttention())).ToArray(), byItself);
        }
    }

    [Fact]
    public void A_request_that_does_not_follow_the_one_before_is_refused_and_changes_nothing()
    {
        var sums = _other.Compute(Attention(0, _stream)).ToArray();
        Refused(GoOn(ShardStepKind.FeedForward, 0, sums), "nothing came before");
        _ = _one.Compute(Attention(0, _stream));
        Refused(GoOn(ShardStepKind.FeedForward, 1, sums), "another layer");
        Refused(GoOn(ShardStepKind.Attention, 0, sums), "the same step");
        Refused(GoOn(ShardStepKind.Layers, 0, sums), "whole layers");
        Refused(GoOn(ShardStepKind.FeedForward, 0, sums[1..]), "too few sums");
        Refused(GoOn(ShardStepKind.FeedForward, 0, sums) with { Rows = [Rows with { Session = Guid.NewGuid() }] }, "another session");
        Refused(GoOn(ShardStepKind.FeedForward, 0, sums) with { Rows = [Rows with { Position = 1 }] }, "another position");

        var first = _one.Compute(GoOn(ShardStepKind.FeedForward, 0, sums)).ToArray();
        Assert.Equal(_one.Compute(new ShardWork(ShardStepKind.FeedForward, 0, 1, [Rows], AfterAttention())).ToArray(), first);
        Refused(GoOn(ShardStepKind.FeedForward, 0, sums), "a second time");
    }

    [Fact]
    public void A_shard_between_two_others_does_not_go_on_with_the_sums_of_one()
    {
        var middle = Engine(3, 1);
        _ = middle.Compute(Attention(0, _stream));
        Assert.Equal(ShardRefusal.Malformed, Assert.Throws<ShardRefusedException>(() => middle.Compute(GoOn(ShardStepKind.FeedForward, 0, _stream))).Refusal);
    }

    private static ShardEngine Engine(int degree, int assignment)
    {
        var plan = new ShardPlanner(Model.Shape, Model.Model.Manifest.Root, TrustZones.Only("home")).Plan(1, ShardStrategy.Tensor, BitEqualityTests.Nodes(degree));
        return Model.Engine(plan.Shards[assignment]);
    }

    private static ShardWork Attention(int layer, float[] stream) => new(ShardStepKind.Attention, layer, layer + 1, [Rows], stream);

    private static ShardWork GoOn(ShardStepKind kind, int layer, float[] sums) => new(kind, layer, layer + 1, [Rows], sums, GoesOn: true);

    // The stream as one shard that holds every slice computes it: its sum is the whole tree's.
    private float[] AfterAttention()
    {
        using var whole = Engine(1, 0);
        var sum = whole.Compute(Attention(0, _stream)).ToArray();
        return [.. _stream.Zip(sum, (left, right) => left + right)];
    }

    private void Refused(ShardWork work, string why)
    {
        var refused = Record.Exception(() => _one.Compute(work));
        Assert.True(refused is ShardRefusedException { Refusal: ShardRefusal.Malformed }, $"{why}: {refused}");
    }
}
