using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Federation.Shards;

/// <summary>Whatever bytes come, a shard answers, refuses, or closes the link; it never falls over and never forgets its work.</summary>
public sealed class FrameFuzzTests : IDisposable
{
    private readonly ShardTestbed _bed = new();
    private readonly ShardPlan _plan = new ShardPlanner(ShardTestbed.Model.Shape, ShardTestbed.Model.Manifest.Root, TrustZones.Only(ShardTestbed.Zone))
        .Plan(3, ShardStrategy.None, [ShardTestbed.Endpoint("node-0", null!).Node]);

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Twenty_thousand_mangled_frames_do_no_harm() => Fuzz(20_000);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void A_million_mangled_frames_do_no_harm() => Fuzz(1_000_000);

    [Fact]
    public void A_plan_that_its_coordinator_did_not_sign_an_old_one_and_another_nodes_are_refused()
    {
        using var conversation = new ShardConversation(_bed.HostOptions("node-0"), _bed.Coordinator.Own, new Lazy<double>(1000));
        var thief = _bed.Credentials(PeerIdentityOfAnother());
        Assert.Equal(ShardRefusal.Untrusted, Refusal(conversation, _plan, SignedPlan.Write(_plan, 0, ShardTestbed.Model.Manifest, thief.Own)));

        var elsewhere = _plan with { Shards = [_plan.Shards[0] with { Node = "node-1" }] };
        Assert.Equal(ShardRefusal.Untrusted, Refusal(conversation, elsewhere, Sign(elsewhere)));

        Assert.Equal(FrameKind.Ready, conversation.Handle(Header(FrameKind.Load, _plan), Sign(_plan)));
        Assert.Equal(ShardRefusal.OtherPlan, Refusal(conversation, _plan, Sign(_plan)));
        var older = _plan with { Epoch = 2 };
        Assert.Equal(ShardRefusal.OtherPlan, Refusal(conversation, older, Sign(older)));
        Assert.Equal(FrameKind.Computed, conversation.Handle(Header(FrameKind.Compute, _plan), Work(0)));
        Assert.Equal(FrameKind.Refused, conversation.Handle(Header(FrameKind.Compute, older), Work(1)));
        Assert.Equal(FrameKind.Refused, conversation.Handle(Header(FrameKind.Compute, _plan) with { Manifest = default }, Work(1)));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(7)]
    public void A_shard_of_an_agreed_zone_refuses_the_ends_of_the_model_by_name_when_loading_preparing_and_taking_over(int layer)
    {
        using var conversation = new ShardConversation(_bed.HostOptions("node-0", zone: "hospital-b"), _bed.Coordinator.Own, new Lazy<double>(1000));
        var whole = _plan.Shards[0].Layers;
        ShardPlan Crossing(long epoch, int held, string home = ShardTestbed.Zone) => _plan with
        {
            Epoch = epoch, Home = new HomeEdges(home, 2),
            Shards = [new ShardAssignment("node-0", "hospital-b", [whole[held]]), new ShardAssignment("ours", ShardTestbed.Zone, [.. whole.Where(slices => slices.Layer != held)])],
        };

        Assert.Equal(ShardRefusal.EdgeLeavesHome, Refusal(conversation, Crossing(3, layer), Sign(Crossing(3, layer))));
        Assert.Equal(FrameKind.Refused, conversation.Handle(Header(FrameKind.Prepare, Crossing(3, layer)), Sign(Crossing(3, layer))));
        Assert.Equal(ShardRefusal.EdgeLeavesHome, WorkEncoding.ReadRefusal(conversation.Answer).Refusal);
        Assert.Equal(FrameKind.Ready, conversation.Handle(Header(FrameKind.Load, Crossing(4, 3)), Sign(Crossing(4, 3))));

        // Slices that it holds already are not waved through either: the same layer under a plan that keeps more at home.
        var narrower = Crossing(5, 3) with { Home = new HomeEdges(ShardTestbed.Zone, 4) };
        Assert.Equal(ShardRefusal.EdgeLeavesHome, Refusal(conversation, narrower, Sign(narrower)));
        var none = Crossing(5, 3) with { Home = new HomeEdges(ShardTestbed.Zone, 0) };
        Assert.Equal(ShardRefusal.EdgeLeavesHome, Refusal(conversation, none, Sign(none)));
        Assert.Equal(FrameKind.Ready, conversation.Handle(Header(FrameKind.Load, Crossing(5, 3)), Sign(Crossing(5, 3))));
    }

    private void Fuzz(int frames)
    {
        using var conversation = new ShardConversation(_bed.HostOptions("node-0"), _bed.Coordinator.Own, new Lazy<double>(1000));
        Assert.Equal(FrameKind.Ready, conversation.Handle(Header(FrameKind.Load, _plan), Sign(_plan)));
        Assert.Equal(FrameKind.Computed, conversation.Handle(Header(FrameKind.Compute, _plan), Work(0)));
        var expected = conversation.Answer.ToArray();
        byte[][] seeds = [Frame(FrameKind.Compute, Work(0)), Frame(FrameKind.Load, Sign(_plan with { Epoch = 4 })), Frame(FrameKind.Prepare, Sign(_plan)), Frame(FrameKind.Close, Guid.NewGuid().ToByteArray()), Frame(FrameKind.Measure, [])];
        var (random, answered, refused, closed) = (new CounterRandom(20261), 0, 0, 0);
        for (var frame = 0; frame < frames; frame++)
        {
            // The seed frames themselves are honest: always something is mangled, and expensive honest loads are rare.
            var bytes = Mangle(seeds[random.Next(16) == 0 ? 1 + random.Next(4) : 0], random);
            try
            {
                var header = FrameHeader.Read(bytes);
                var payload = bytes.AsSpan(FrameHeader.SizeBytes);
                _ = conversation.Handle(header, payload[..Math.Min(header.PayloadBytes, payload.Length)]) == FrameKind.Refused ? refused++ : answered++;
            }
            catch (ShardProtocolException)
            {
                closed++;
            }
        }

        // After all of it the shard still does its work, with the same bits.
        Assert.Equal(FrameKind.Computed, conversation.Handle(Header(FrameKind.Compute, _plan), Work(0)));
        Assert.Equal(expected, conversation.Answer.ToArray());
        Assert.True(answered > 0 && refused > 0 && closed > 0, $"{answered} answered, {refused} refused, {closed} closed");
    }

    private static byte[] Mangle(byte[] seed, CounterRandom random)
    {
        var bytes = (byte[])seed.Clone();
        for (var changes = 1 + random.Next(4); changes > 0; changes--)
        {
            // Two of three changes hit what has a meaning: the header and the counts at the front of the payload.
            var place = random.Next(random.Next(3) > 0 ? Math.Min(bytes.Length, FrameHeader.SizeBytes + 48) : bytes.Length);
            bytes[place] = random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => (byte)(bytes[place] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
        }

        return random.Next(8) == 0 ? bytes[..Math.Max(FrameHeader.SizeBytes, random.Next(bytes.Length))] : bytes;
    }

    private static PeerIdentity PeerIdentityOfAnother() => PeerIdentity.Coordinator(ShardTestbed.Federation, "hospital-b");

    private static ShardRefusal Refusal(ShardConversation conversation, ShardPlan plan, byte[] signed)
    {
        Assert.Equal(FrameKind.Refused, conversation.Handle(Header(FrameKind.Load, plan), signed));
        return WorkEncoding.ReadRefusal(conversation.Answer).Refusal;
    }

    private byte[] Sign(ShardPlan plan) => SignedPlan.Write(plan, 0, ShardTestbed.Model.Manifest, _bed.Coordinator.Own);

    private byte[] Frame(FrameKind kind, byte[] payload) => LyingShard.Frame(Header(kind, _plan), kind, payload);

    private static FrameHeader Header(FrameKind kind, ShardPlan plan) => new(kind, 0, 1, plan.Epoch, plan.Manifest);

    private static byte[] Work(int position)
    {
        var shape = ShardTestbed.Model.Shape;
        var writer = new WireWriter();
        var stream = new float[shape.Width];
        stream.AsSpan().Fill(0.25f);
        WorkEncoding.Write(writer, new ShardWork(ShardStepKind.Layers, 0, 1, [new ShardRows(Guid.Empty, position, 1)], stream));
        return writer.Written.ToArray();
    }
}
