using System.Runtime.InteropServices;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>What masks and self-masks have to hide when keys are weak, shares are asked for twice or uploads come late.</summary>
/// <remarks>Where a test says "naive", it first carries the attack through against the variant that the literature or another implementation has.</remarks>
public sealed class MaskAttackTests
{
    private const int Target = 2;

    [Fact]
    public void Keys_that_agree_when_folded_to_32_bits_give_different_masks()
    {
        // The naive mask seeds a generator with the exclusive or of the key's words: 2^32 work opens it, and these two keys are the same to it.
        byte[] first = [1, 0, 0, 0, .. new byte[12]];
        byte[] second = [.. new byte[4], 1, 0, 0, 0, .. new byte[8]];
        static uint Fold(byte[] key) => MemoryMarshal.Cast<byte, uint>(key).ToArray().Aggregate((a, b) => a ^ b);
        Assert.Equal(Fold(first), Fold(second));
        Assert.NotEqual(Keystream(first, 4), Keystream(second, 4));
        for (var bit = 0; bit < 128; bit++)
        {
            var key = first.ToArray();
            key[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(Keystream(first, 4), Keystream(key, 4));
        }
    }

    [Fact]
    public void A_mask_takes_every_value_of_its_range_the_top_one_too() =>
        // 2^16 draws of a byte: one value missing has probability 256 * (255/256)^65536 < 1e-108.
        Assert.Equal(256, Keystream(new byte[16], 65536).Select(lane => lane & 0xFF).Distinct().Count());

    [Fact]
    public void Both_shares_of_one_client_would_open_its_update_and_are_never_both_released()
    {
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        round.ToConfirmations();

        // Naive clients answer a second request, in which the target dropped out, from what they still hold.
        var seeds = round.HeldBy(client => client.Held[Target].Seed);
        var selfMasks = round.HeldBy(client => client.Held[Target].SelfMask);
        Assert.Equal(federation.Inputs[Target], round.OpenUpload(Target, seeds, selfMasks));

        // Ours refuse to sign another survivor set, and what they did not release is gone.
        var without = new SurvivorAnnouncement([0, 1, 3, 4, 5], new byte[32]).Encode(federation.Parameters);
        foreach (var client in round.Clients.Where(client => client.Self != Target))
        {
            Assert.Equal(RefusalCode.AlreadyDecided, client.Confirm(new AnnouncedSurvivors(without, [])).Refusal!.Code);
            var release = client.Unmask(round.Confirmations).Required;
            Assert.Equal(RefusalCode.WrongStage, client.Confirm(new AnnouncedSurvivors(without, [])).Refusal!.Code);
            Assert.Empty(ClientMemory.TryDecode(release.Snapshot.Span)!.Held);
            Assert.Equal(release.Release().ToArray(), client.Unmask([]).Required.Release().ToArray());
        }
    }

    [Fact]
    public void A_late_upload_of_a_client_whose_seed_was_restored_stays_hidden_by_its_self_mask()
    {
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var seeds = round.HeldBy(client => client.Held[Target].Seed);

        // The naive protocol has pairwise masks alone: then the seed opens the late upload.
        Assert.Equal(federation.Inputs[Target], round.OpenUpload(Target, seeds, round.HeldBy(client => client.Held[Target].SelfMask)));
        var opened = round.OpenUpload(Target, seeds, selfMasks: null);
        Assert.NotEqual(federation.Inputs[Target], opened);
        Assert.True(opened.Zip(federation.Inputs[Target]).Count(pair => pair.First == pair.Second) <= 2);
    }

    [Fact]
    public void A_restored_seed_does_not_open_the_shares_that_were_sent_to_its_owner()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var memory = ClientMemory.TryDecode(round.Snapshots[Target])!;
        var relayed = inboxes[Target][0];
        var dealer = SignedFrame.Open(relayed.Frame, MessageKind.Sharing, federation.Parameters).Required.Sender;
        var graph = SharingGraph.Build(6, memory.Members, federation.Parameters.Sharing, memory.Advertisements);
        var body = SharingBody.TryDecode(SignedFrame.Open(relayed.Frame, MessageKind.Sharing, federation.Parameters).Required.Body, dealer, graph)!;
        var context = new EnvelopeContext(federation.Parameters, memory.Advertisements, body.Binding, dealer, Target);
        using var channel = new HybridKeyPair(memory.ChannelSeed);
        Assert.True(ShareEnvelope.TryOpen(context, relayed.Envelope.Span, channel, out var seed, out var selfMask));

        // Naive: one key pair for both purposes, so shares are sealed to the key that the seed gives; the seed, restored when its owner drops out, opens them.
        Span<byte> keySeed = stackalloc byte[32];
        KeyDerivation.Derive(memory.Seed, [], "mask key pair"u8, federation.Parameters.Digest, Target, -1, keySeed);
        using var fromSeed = new HybridKeyPair(keySeed);
        var (ciphertext, secret) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
        Assert.True(HybridKeyPair.TryEncapsulate(fromSeed.PublicKey, new byte[64], ciphertext, secret));
        var naive = ShareEnvelope.Seal(context, ciphertext, secret, ShareEnvelope.MaskCiphertext(relayed.Envelope.Span, dealer, Target), seed, selfMask);
        Assert.True(ShareEnvelope.TryOpen(context, naive, fromSeed, out var learnedSeed, out var learnedSelfMask));
        Assert.True(learnedSeed.Value.FixedTimeEquals(seed.Value) && learnedSelfMask.Value.FixedTimeEquals(selfMask.Value));

        // Ours: the channel key has nothing to do with the seed.
        Assert.False(ShareEnvelope.TryOpen(context, relayed.Envelope.Span, fromSeed, out _, out _));
    }

    [Fact]
    public void A_snapshot_from_the_signed_survivor_set_on_holds_none_of_the_secrets_that_masked_the_update()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var before = ClientMemory.TryDecode(round.Uploaded[0])!;
        byte[][] secrets = [before.Seed.Bytes.ToArray(), before.SelfMask.Bytes.ToArray(), before.ChannelSeed, .. before.EdgeKeys.Values];
        Assert.Equal(3 + 5, secrets.Length);
        Assert.All(secrets, secret => Assert.NotEqual(-1, round.Uploaded[0].AsSpan().IndexOf(secret)));
        foreach (var snapshot in new[] { round.Snapshots[0], round.Clients[0].Unmask(round.Confirmations).Required.Snapshot.ToArray() })
        {
            Assert.All(secrets, secret => Assert.Equal(-1, snapshot.AsSpan().IndexOf(secret)));
        }
    }

    [Fact]
    public void All_secrets_of_one_client_leaked_to_the_coordinator_open_that_clients_upload_and_no_other()
    {
        // For one key of all clients, where whoever leaks opens everybody, see LeakedKeyTests.
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        round.ToSharings();
        Array.ForEach(round.Clients, client => round.Upload(client.Self));
        var leaked = ClientMemory.TryDecode(round.Uploaded[0])!;
        Assert.Equal(federation.Inputs[0], round.OpenUpload(0, round.HeldBy(client => client.Held[0].Seed), round.HeldBy(client => client.Held[0].SelfMask)));

        // Of the target's masks the leak holds the one that both share, and one share of either secret.
        var format = LaneFormat.For(federation.Parameters.SumBits);
        var lanes = new uint[federation.Parameters.VectorLength];
        format.AddTo(lanes, round.Uploads[Target].Payload.Span);
        using var masks = new MaskSet();
        masks.Add(leaked.EdgeKeys[Target], subtract: false);
        masks.ApplyTo(lanes, 1);
        Assert.True(lanes.Zip(federation.Inputs[Target], (lane, value) => format.Signed(lane) == value).Count(same => same) <= 2);
        var (seed, selfMask) = leaked.Held[Target];
        var target = ClientMemory.TryDecode(round.Uploaded[Target])!;
        Assert.False(VerifiableSecretSharing.Reconstruct([seed]).Value.FixedTimeEquals(target.Seed) || VerifiableSecretSharing.Reconstruct([selfMask]).Value.FixedTimeEquals(target.SelfMask));
    }

    private static uint[] Keystream(byte[] key, int lanes)
    {
        using var stream = new CounterKeystream(key);
        var result = new uint[lanes];
        stream.AddTo(result, 0);
        return result;
    }
}
