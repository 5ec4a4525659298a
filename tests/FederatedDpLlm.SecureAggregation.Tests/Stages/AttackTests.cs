using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// Attacks that worked elsewhere. Where a test says "naive", it first carries the attack through against the variant that the literature or another
/// implementation has, so that the test is known to be able to fail.
/// </summary>
public sealed class AttackTests
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
    public void A_coordinator_that_tells_two_survivor_sets_finishes_neither()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var announced = round.ToUploads();
        byte[][] leaves = [.. round.Uploads.Where(upload => upload.Key != Target).Select(upload => Commitments.MerkleTreeTests.Leaf(upload.Value.Header.Span))];
        var other = new SurvivorAnnouncement([0, 1, 3, 4, 5], FederatedDpLlm.SecureAggregation.Commitments.MerkleTree.Root(leaves));
        AnnouncedSurvivors Other(int client) => new(other.Encode(federation.Parameters), FederatedDpLlm.SecureAggregation.Commitments.MerkleTree.Prove(leaves, other.PlaceOf(client)));

        // Three clients are told that the target survived, three (and no quorum of five) that it dropped out.
        var one = new[] { 0, 1, 2 }.ToDictionary(client => client, client => round.Clients[client].Confirm(announced[client]).Required.Release());
        var two = new[] { 3, 4, 5 }.ToDictionary(client => client, client => round.Clients[client].Confirm(Other(client)).Required.Release());
        foreach (var client in new[] { 0, 1, 3, 4 })
        {
            var own = client < 3 ? one : two;
            Assert.Equal(RefusalCode.BelowThreshold, round.Clients[client].Unmask([.. own.Values]).Refusal!.Code);
            Assert.Equal(RefusalCode.Equivocation, round.Clients[client].Unmask([.. one.Values, .. two.Values]).Refusal!.Code);
            Assert.Equal(RefusalCode.BelowThreshold, round.Clients[client].Unmask([.. Enumerable.Repeat(own.Values.First(), 6)]).Refusal!.Code);
        }
    }

    [Fact]
    public void A_survivor_set_without_the_clients_own_upload_or_with_another_one_is_not_signed()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var announced = round.ToUploads();
        var honest = SurvivorAnnouncement.TryDecode(announced[0].Announcement.Span, federation.Parameters)!;
        var forged = new SurvivorAnnouncement([.. honest.Survivors], SHA256.HashData([1]));
        var without = new SurvivorAnnouncement([1, 2, 3, 4, 5], honest.UploadRoot.ToArray());
        var few = new SurvivorAnnouncement([0, 1, 2], honest.UploadRoot.ToArray());
        Assert.Equal(RefusalCode.Equivocation, Confirm(forged));
        Assert.Equal(RefusalCode.Equivocation, Confirm(without));
        Assert.Equal(RefusalCode.TooFewSurvivors, Confirm(few));
        Assert.Equal(RefusalCode.Malformed, round.Clients[0].Confirm(new AnnouncedSurvivors(new byte[7], [])).Refusal!.Code);
        Assert.True(round.Clients[0].Confirm(announced[0]).IsAccepted);

        RefusalCode Confirm(SurvivorAnnouncement announcement) =>
            round.Clients[0].Confirm(new AnnouncedSurvivors(announcement.Encode(federation.Parameters), announced[0].InclusionProof)).Refusal!.Code;
    }

    // Without the check, seven uploads pass for eight: whoever never advertised carries no masks, and nothing in the shares misses him.
    [Fact]
    public void A_survivor_set_that_is_padded_with_whoever_never_advertised_is_not_signed()
    {
        using var federation = new Federation(9, 8, minimumSurvivors: 8);
        var clients = Enumerable.Range(0, 9).Select(federation.Client).ToList();
        var coordinator = new AggregationCoordinator(federation.Parameters);
        foreach (var client in clients.SkipLast(1))
        {
            Assert.Null(coordinator.ReceiveAdvertisement(client.Advertise().Required.Release()));
        }

        var advertisements = coordinator.CloseAdvertisements().Required;
        foreach (var client in clients.SkipLast(1))
        {
            Assert.Null(coordinator.ReceiveSharing(client.ShareKeys(advertisements).Required.Release()));
        }

        var inboxes = coordinator.CloseSharings().Required;
        List<byte[]> leaves = [.. clients.Take(7).Select(client => MerkleTree.HashLeaf(client.Upload(inboxes[client.Self], federation.Inputs[client.Self]).Required.Release().Header.Span)), new byte[32]];
        var padded = new SurvivorAnnouncement([0, 1, 2, 3, 4, 5, 6, 8], MerkleTree.Root([.. leaves]));
        Assert.All(clients.Take(7), client => Assert.Equal(
            RefusalCode.Equivocation,
            client.Confirm(new AnnouncedSurvivors(padded.Encode(federation.Parameters), MerkleTree.Prove([.. leaves], client.Self))).Refusal!.Code));
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void The_last_snapshot_holds_none_of_the_secrets_that_masked_the_update()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var before = ClientMemory.TryDecode(round.Snapshots[0])!;
        var last = round.Clients[0].Unmask(round.Confirmations).Required.Snapshot.ToArray();
        Assert.All(
            new[] { before.Seed.Bytes.ToArray(), before.SelfMask.Bytes.ToArray(), before.ChannelSeed },
            secret => Assert.Equal(-1, last.AsSpan().IndexOf(secret)));
        Assert.Empty(ClientMemory.TryDecode(last)!.EdgeKeys);
    }

    [Fact]
    public void A_swapped_key_is_noticed_whoever_signs_it()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise().ToArray();

        // Unsigned (naive) keys could be replaced: here the signature no longer fits.
        var swapped = advertisements[Target].ToArray();
        swapped[50] ^= 1;
        Assert.Equal(RefusalCode.BadSignature, ShareWith(0, swapped));

        // The coordinator enrols nobody: a frame signed by another key on the roster is not the target's.
        var another = SignedFrame.Seal(MessageKind.Advertisement, federation.Parameters, Target, federation.Identities[5], new byte[AdvertisementBook.BodySizeBytes]);
        Assert.Equal(RefusalCode.BadSignature, ShareWith(0, another));

        // Even a valid signature (an older advertisement, a stolen key) is noticed by the owner.
        var older = SignedFrame.Seal(MessageKind.Advertisement, federation.Parameters, Target, federation.Identities[Target], new byte[AdvertisementBook.BodySizeBytes]);
        Assert.Equal(RefusalCode.Equivocation, ShareWith(Target, older));

        // The same client twice, too few, another stage's message.
        Assert.Equal(RefusalCode.Replayed, round.Clients[0].ShareKeys([.. advertisements, advertisements[1]]).Refusal!.Code);
        Assert.Equal(RefusalCode.TooFewSurvivors, round.Clients[0].ShareKeys([.. advertisements.Take(3)]).Refusal!.Code);
        Assert.Equal(RefusalCode.WrongStage, round.Clients[0].Confirm(new AnnouncedSurvivors(default, [])).Refusal!.Code);

        RefusalCode ShareWith(int reader, byte[] replacement)
        {
            var shown = advertisements.ToArray();
            shown[Target] = replacement;
            return round.Clients[reader].ShareKeys(shown).Refusal!.Code;
        }
    }

    [Fact]
    public void A_client_shown_two_sets_of_advertisements_answers_the_first_only()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise();
        var first = round.Clients[0].ShareKeys(advertisements).Required.Release();
        Assert.Equal(RefusalCode.AlreadyDecided, round.Clients[0].ShareKeys([.. advertisements.Take(5)]).Refusal!.Code);
        Assert.Equal(first.Frame.ToArray(), round.Clients[0].ShareKeys(advertisements).Required.Release().Frame.ToArray());
    }

    [Theory, InlineData(2, 1), InlineData(1, 2)]
    public void A_message_of_another_round_or_model_is_refused(long otherRound, byte otherModel)
    {
        using var federation = new Federation(6, 8);
        var other = federation.ParametersOf(AggregationMode.Mask, 8, round: otherRound, model: otherModel);
        using var client = new AggregationClient(other, 0, federation.Identities[0], federation.Random);
        var coordinator = new AggregationCoordinator(federation.Parameters);
        Assert.Equal(RefusalCode.WrongContext, coordinator.ReceiveAdvertisement(client.Advertise().Required.Release())!.Code);
    }

    [Fact]
    public void Clients_that_were_shown_different_models_do_not_share_a_mask()
    {
        // Pasquini et al.: the naive mask key knows nothing of the model, so updates to different models add up.
        var (shared, advertisements) = (new byte[32], new byte[32]);
        var keys = new[] { (byte)1, (byte)2 }.Select(model =>
        {
            var key = new byte[16];
            KeyDerivation.Derive(shared, advertisements, "pairwise mask"u8, SHA256.HashData([model]), 0, 1, key);
            return Convert.ToHexString(key);
        });
        Assert.Equal(2, keys.Distinct().Count());
    }

    [Fact]
    public void A_replayed_shortened_or_changed_upload_is_refused_and_the_sum_stays_exact()
    {
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        round.ToSharings();
        var uploads = Enumerable.Range(0, 6).Select(round.Upload).ToArray();
        Assert.Null(round.Coordinator.ReceiveUpload(uploads[0]));
        Assert.Equal(RefusalCode.Replayed, round.Coordinator.ReceiveUpload(uploads[0])!.Code);
        Assert.Equal(RefusalCode.PayloadMismatch, round.Coordinator.ReceiveUpload(uploads[1] with { Payload = uploads[1].Payload[..^1] })!.Code);
        Assert.Equal(RefusalCode.PayloadMismatch, round.Coordinator.ReceiveUpload(uploads[1] with { Payload = uploads[2].Payload })!.Code);
        Assert.Equal(RefusalCode.BadSignature, round.Coordinator.ReceiveUpload(uploads[1] with { Header = Flip(uploads[1].Header, 60) })!.Code);
        Assert.Equal(RefusalCode.Malformed, round.Coordinator.ReceiveUpload(uploads[1] with { Header = round.Sharings[1].Frame })!.Code);

        // A signed header over a payload of the wrong length is the sender's fault, provably.
        var header = SignedFrame.Seal(MessageKind.Upload, federation.Parameters, 3, federation.Identities[3], UploadBody.Of(new byte[3]).Encode());
        Assert.Equal(new Refusal(RefusalCode.Malformed, 3), round.Coordinator.ReceiveUpload(new MaskedUpload(header, new byte[3])));
        foreach (var upload in uploads.Skip(1))
        {
            Assert.Null(round.Coordinator.ReceiveUpload(upload));
        }

        round.Confirm(round.Coordinator.CloseUploads().Required);
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), round.Finish().Required.Values.ToArray());
    }

    [Fact]
    public void Two_updates_under_the_same_masks_would_give_their_difference_and_the_second_is_refused()
    {
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var changed = federation.Inputs[0].Select(value => value / 2).ToArray();
        var pending = round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).Required;
        using var restored = AggregationClient.Restore(pending.Snapshot.Span, federation.Parameters, federation.Identities[0], federation.Random);
        Assert.Equal(RefusalCode.AlreadyDecided, restored.Upload(inboxes[0], changed).Refusal!.Code);
        var again = restored.Upload(inboxes[0], federation.Inputs[0]).Required.Release();
        Assert.Equal(pending.Release().Payload.ToArray(), again.Payload.ToArray());

        // Naive: a client that restarts from the snapshot before its upload, because it did not store the later one, leaks the difference.
        var before = round.Snapshots[0];
        using var naive = AggregationClient.Restore(before, federation.Parameters, federation.Identities[0], federation.Random);
        var second = naive.Upload(inboxes[0], changed).Required.Release();
        var difference = Lanes(pending.Release().Payload, 3).Zip(Lanes(second.Payload, 3), (a, b) => new LaneFormat(3).Signed(a - b));
        Assert.Equal(federation.Inputs[0].Zip(changed, (a, b) => a - b), difference);
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
        Assert.True(ShareEnvelope.TryOpen(context, relayed.Envelope.Span, channel, out _, out _));

        // Naive: one key pair for both purposes, derived from the seed.
        Span<byte> keySeed = stackalloc byte[32];
        KeyDerivation.Derive(memory.Seed, [], "mask key pair"u8, federation.Parameters.Digest, Target, -1, keySeed);
        using var fromSeed = new HybridKeyPair(keySeed);
        Assert.False(ShareEnvelope.TryOpen(context, relayed.Envelope.Span, fromSeed, out _, out _));
    }

    [Fact]
    public void A_dealer_of_a_wrong_share_is_blamed_by_the_holder()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var forged = round.DealWrongly(Target, reader: 0);
        var shown = inboxes[0].Select(relayed => relayed.Frame.Span.SequenceEqual(round.Sharings[Target].Frame.Span) ? forged : relayed).ToArray();
        Assert.Equal(new Refusal(RefusalCode.BadShare, Target), round.Clients[0].Upload(shown, federation.Inputs[0]).Refusal);

        // The coordinator cannot make a dealer look guilty: a changed envelope is no longer the signed one.
        var changed = inboxes[0].Select(relayed => relayed with { Envelope = Flip(relayed.Envelope, 1200) }).ToArray();
        Assert.Equal(new Refusal(RefusalCode.PayloadMismatch), round.Clients[0].Upload(changed, federation.Inputs[0]).Refusal);
        Assert.True(round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).IsAccepted);
    }

    [Fact]
    public void A_dealer_that_sends_a_mask_it_did_not_commit_to_and_drops_out_is_named_rather_than_spoiling_the_sum()
    {
        using var federation = new Federation(6, 8, minimumSurvivors: 5);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise();
        Assert.NotNull(round.Coordinator.CloseAdvertisements().Value);
        foreach (var client in round.Clients)
        {
            var pending = client.ShareKeys(advertisements).Required;
            round.Snapshots[client.Self] = pending.Snapshot.ToArray();
            round.Sharings[client.Self] = pending.Release();
        }

        round.Sharings[Target] = round.DealAnotherMask(Target, reader: 4);
        Assert.All(round.Sharings.Values, sharing => Assert.Null(round.Coordinator.ReceiveSharing(sharing)));
        var inboxes = round.Coordinator.CloseSharings().Required;
        var survivors = round.Clients.Where(client => client.Self != Target).ToList();
        Assert.All(survivors, client => Assert.Null(round.Coordinator.ReceiveUpload(client.Upload(inboxes[client.Self], federation.Inputs[client.Self]).Required.Release())));
        var announced = round.Coordinator.CloseUploads().Required;
        Assert.All(survivors, client => Assert.Null(round.Coordinator.ReceiveConfirmation(client.Confirm(announced[client.Self]).Required.Release())));
        var confirmations = round.Coordinator.CloseConfirmations().Required;
        Assert.All(survivors, client => Assert.Null(round.Coordinator.ReceiveUnmasking(client.Unmask(confirmations).Required.Release())));
        Assert.Equal(new Refusal(RefusalCode.BadKey, Target), round.Coordinator.Finish().Refusal);
    }

    [Fact]
    public void A_client_refuses_sharings_that_answer_other_advertisements_than_the_ones_it_dealt_for()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var graph = SharingGraph.Build(6, [0, 1, 2, 3, 4, 5], federation.Parameters.Sharing, new byte[32]);
        RelayedSharing[] elsewhere = [.. inboxes[0].Select((shown, i) =>
        {
            var body = SharingBody.TryDecode(SignedFrame.Open(shown.Frame, MessageKind.Sharing, federation.Parameters).Required.Body, i + 1, graph)!;
            return shown with { Frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, i + 1, federation.Identities[i + 1], (body with { Advertisements = new byte[32] }).Encode()) };
        })];
        Assert.Equal(new Refusal(RefusalCode.Equivocation), round.Clients[0].Upload(elsewhere, federation.Inputs[0]).Refusal);
        Assert.Equal(RefusalCode.Equivocation, round.Clients[0].Upload([.. inboxes[0].Skip(1), elsewhere[0]], federation.Inputs[0]).Refusal!.Code);
        Assert.True(round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).IsAccepted);
    }

    [Fact]
    public void A_client_that_leaves_out_a_share_or_doubles_or_reorders_them_is_refused_with_blame()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var honest = round.Clients[1].Unmask(round.Confirmations).Required.Release();
        var body = UnmaskingBody.TryDecode(SignedFrame.Open(honest, MessageKind.Unmasking, federation.Parameters).Required.Body, 1, federation.Parameters)!;
        var bytes = body.Encode();
        const int Header = 36;
        const int Entry = 68;
        byte[] swapped = [.. bytes[..Header], .. bytes[(Header + Entry)..(Header + (2 * Entry))], .. bytes[Header..(Header + Entry)], .. bytes[(Header + (2 * Entry))..]];
        byte[] doubled = [.. bytes[..(Header + Entry)], .. bytes[Header..(Header + Entry)], .. bytes[(Header + (2 * Entry))..]];
        var few = (body with { Shares = body.Shares.Where(entry => entry.Key != Target).ToDictionary() }).Encode();
        foreach (var wrong in new[] { swapped, doubled, few })
        {
            var frame = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, 1, federation.Identities[1], wrong);
            Assert.Equal(new Refusal(RefusalCode.Malformed, 1), round.Coordinator.ReceiveUnmasking(frame));
        }

        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), round.Finish().Required.Values.ToArray());
    }

    [Fact]
    public void A_holder_that_releases_a_wrong_share_is_blamed_and_the_sum_stays_exact()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var liar = round.Clients[1].Unmask(round.Confirmations).Required.Release();
        var opened = SignedFrame.Open(liar, MessageKind.Unmasking, federation.Parameters).Required;
        var body = UnmaskingBody.TryDecode(opened.Body, 1, federation.Parameters)!;
        var wrong = body with { Shares = body.Shares.ToDictionary(entry => entry.Key, entry => entry.Value with { Value = entry.Value.Value + Scalar.One }) };
        round.Forged[1] = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, 1, federation.Identities[1], wrong.Encode());
        var outcome = round.Finish().Required;
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), outcome.Values.ToArray());
        Assert.Equal([1], outcome.Blamed);
    }

    [Fact]
    public void Wrong_shares_that_leave_too_few_right_ones_end_the_round_with_blame()
    {
        using var federation = new Federation(4, 8, minimumSurvivors: 3);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        foreach (var liar in new[] { 1, 2 })
        {
            var message = round.Clients[liar].Unmask(round.Confirmations).Required.Release();
            var body = UnmaskingBody.TryDecode(SignedFrame.Open(message, MessageKind.Unmasking, federation.Parameters).Required.Body, liar, federation.Parameters)!;
            var wrong = body with { Shares = body.Shares.ToDictionary(entry => entry.Key, entry => entry.Value with { Blinding = Scalar.Zero }) };
            round.Forged[liar] = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, liar, federation.Identities[liar], wrong.Encode());
        }

        var refusal = round.Finish().Refusal!;
        Assert.Equal(RefusalCode.BadShare, refusal.Code);
        Assert.Contains(refusal.Blamed!.Value, new[] { 1, 2 });
        Assert.Equal(CoordinatorStage.Aborted, round.Coordinator.Stage);
    }

    [Fact]
    public void Malformed_points_and_keys_are_refused_with_blame()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise().ToArray();
        var honest = round.Clients[Target].ShareKeys(advertisements).Required.Release();
        var body = SignedFrame.Open(honest.Frame, MessageKind.Sharing, federation.Parameters).Required.Body.ToArray();
        body.AsSpan(32, 32).Fill(0xFF);
        var forged = honest with { Frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, Target, federation.Identities[Target], body) };
        Assert.NotNull(round.Coordinator.CloseAdvertisements().Value);
        Assert.Equal(new Refusal(RefusalCode.Malformed, Target), round.Coordinator.ReceiveSharing(forged));
        Assert.Equal(RefusalCode.PayloadMismatch, round.Coordinator.ReceiveSharing(honest with { Envelopes = [.. honest.Envelopes.Skip(1)] })!.Code);
        Assert.Null(round.Coordinator.ReceiveSharing(honest));

        // A lattice key with coefficients out of range.
        var broken = SignedFrame.Seal(MessageKind.Advertisement, federation.Parameters, 5, federation.Identities[5], [.. Enumerable.Repeat((byte)0xFF, AdvertisementBook.BodySizeBytes)]);
        advertisements[5] = broken;
        Assert.Equal(new Refusal(RefusalCode.BadKey, 5), round.Clients[0].ShareKeys(advertisements).Refusal);
    }

    private static uint[] Keystream(byte[] key, int lanes)
    {
        using var stream = new CounterKeystream(key);
        var result = new uint[lanes];
        stream.AddTo(result, 0);
        return result;
    }

    private static uint[] Lanes(ReadOnlyMemory<byte> payload, int sizeBytes)
    {
        var lanes = new uint[payload.Length / sizeBytes];
        new LaneFormat(sizeBytes).AddTo(lanes, payload.Span);
        return lanes;
    }

    private static ReadOnlyMemory<byte> Flip(ReadOnlyMemory<byte> bytes, int place)
    {
        var changed = bytes.ToArray();
        changed[place] ^= 1;
        return changed;
    }
}
