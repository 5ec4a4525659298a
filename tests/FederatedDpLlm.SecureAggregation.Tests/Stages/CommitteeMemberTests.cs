using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>What a member of the committee does, and what it refuses to: it answers once, for one sum that it added up itself, and nobody's lie costs another his secret.</summary>
public sealed class CommitteeMemberTests
{
    private const int Target = 2;

    [Fact]
    public void A_member_answers_once_and_forgets_its_share()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        var announced = round.ToUploads();
        round.Confirm(announced);
        var release = round.Clients[0].Unmask(round.Confirmations).Required;
        var memory = ClientMemory.TryDecode(release.Snapshot.Span)!;
        Assert.Empty(memory.CommitteeShare);
        Assert.Empty(memory.CommitteeSum);

        // Asked again it repeats itself, also after a crash; asked for another set it refuses, so that a round that failed starts with new keys.
        Assert.Equal(release.Release().ToArray(), round.Clients[0].Unmask([]).Required.Release().ToArray());
        using var restored = AggregationClient.Restore(release.Snapshot.Span, federation.Parameters, federation.Identities[0], federation.Random);
        Assert.Equal(release.Release().ToArray(), restored.Unmask(round.Confirmations).Required.Release().ToArray());
        Assert.Equal(RefusalCode.WrongStage, restored.Confirm(announced[0]).Refusal!.Code);
        using var earlier = AggregationClient.Restore(round.Snapshots[0], federation.Parameters, federation.Identities[0], federation.Random);
        var without = new SurvivorAnnouncement([0, 1, 3, 4, 5], new byte[32]).Encode(federation.Parameters);
        Assert.Equal(RefusalCode.AlreadyDecided, earlier.Confirm(new AnnouncedSurvivors(without, [])).Refusal!.Code);
        Assert.Equal(RefusalCode.WrongContext, OtherRound().Refusal!.Code);
        Assert.NotNull(round.Coordinator.ReceiveSharing(round.Sharings[0]));

        // Another round has another key, although the same client deals with the same identity.
        Outcome<SignedFrame> OtherRound() =>
            SignedFrame.Open(round.Sharings[0].Frame, MessageKind.Sharing, federation.ParametersOf(AggregationMode.Committee, 8, round: 2));
    }

    [Fact]
    public void A_member_adds_up_itself_what_it_answers_and_signs_nothing_else()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        var announced = round.ToUploads();
        var honest = announced[0];
        var announcement = SurvivorAnnouncement.TryDecode(honest.Announcement.Span, federation.Parameters)!;

        // Naive members take the coordinator's word for the sum: it would send one client's ciphertext alone.
        var zero = new byte[ResidueFormat.ElementSizeBytes];
        CommitteeCiphertext[] alone = [.. honest.Ciphertexts.Select((one, i) => i == Target ? one : one with { SecondPart = zero })];
        Assert.Equal(RefusalCode.PayloadMismatch, Confirm(honest with { Ciphertexts = alone }));
        Assert.Equal(RefusalCode.Equivocation, Confirm(honest with { Ciphertexts = [honest.Ciphertexts[Target]] }));
        Assert.Equal(RefusalCode.Equivocation, Confirm(honest with { Ciphertexts = [.. honest.Ciphertexts.Reverse()] }));
        Assert.Equal(RefusalCode.Equivocation, Confirm(honest with { Ciphertexts = [.. Enumerable.Repeat(honest.Ciphertexts[Target], 6)] }));
        Assert.Equal(RefusalCode.Equivocation, Confirm(honest with { Ciphertexts = [] }));

        // A smaller announcement than the minimum, or one with another root, is not signed either; nor headers that are not under the root.
        var few = new SurvivorAnnouncement([0, 1, 2], MerkleTree.Root([.. honest.Ciphertexts.Take(3).Select(one => MerkleTree.HashLeaf(one.Header.Span))]));
        Assert.Equal(RefusalCode.TooFewSurvivors, Confirm(honest with { Announcement = few.Encode(federation.Parameters), Ciphertexts = [.. honest.Ciphertexts.Take(3)] }));
        var key = ClientMemory.TryDecode(round.UploadPending(0).Snapshot.Span)!.CommitteeKeyDigest;
        var forged = UploadBody.Of(new byte[1], keyHash: CommitteeKey.Bind(key, zero));
        var header = SignedFrame.Seal(MessageKind.Upload, federation.Parameters, 5, federation.Identities[5], forged.Encode());
        Assert.Equal(RefusalCode.Equivocation, Confirm(honest with { Ciphertexts = [.. honest.Ciphertexts.Take(5), new CommitteeCiphertext(header, zero)] }));
        Assert.Equal(6, announcement.Survivors.Count);
        Assert.True(round.Clients[0].Confirm(honest).IsAccepted);

        RefusalCode Confirm(AnnouncedSurvivors shown) => round.Clients[0].Confirm(shown).Refusal!.Code;
    }

    [Fact]
    public void A_wrong_answer_is_left_out_and_a_malformed_one_is_refused_with_blame()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var digest = SignedFrame.Open(round.Confirmations[0], MessageKind.Confirmation, federation.Parameters).Required.Body.ToArray();
        Assert.Equal(new Refusal(RefusalCode.Malformed, 1), round.Coordinator.ReceiveUnmasking(Answer(1, [.. digest, 1])));
        Assert.Equal(new Refusal(RefusalCode.Malformed, 1), round.Coordinator.ReceiveUnmasking(Answer(1, [.. digest, .. Enumerable.Repeat((byte)0xFF, ResidueFormat.ElementSizeBytes)])));
        Assert.Equal(new Refusal(RefusalCode.Equivocation, 1), round.Coordinator.ReceiveUnmasking(Answer(1, [.. new byte[32], .. new byte[ResidueFormat.ElementSizeBytes]])));
        round.Forged[1] = Answer(1, [.. digest, .. new byte[ResidueFormat.ElementSizeBytes]]);
        var sum = round.Finish().Required;
        Assert.Equal(federation.SumOf(sum.Survivors), sum.Values.ToArray());
        Assert.Equal([1], sum.LeftOut);

        ReadOnlyMemory<byte> Answer(int member, byte[] body) => SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, member, federation.Identities[member], body);
    }

    [Fact]
    public void A_member_refuses_sharings_that_were_swapped_cut_or_answered_other_advertisements()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var own = inboxes[0];
        Assert.Equal(RefusalCode.BelowThreshold, Upload([.. own.Take(4)]));
        Assert.Equal(RefusalCode.Replayed, Upload([.. own, own[1]]));
        Assert.Equal(RefusalCode.PayloadMismatch, Upload([.. own.Take(5), own[5] with { Envelope = own[4].Envelope }]));
        Assert.Equal(RefusalCode.PayloadMismatch, Upload([.. own.Take(5), own[5] with { Envelope = default }]));
        var frame = own[5].Frame.ToArray();
        frame[100] ^= 1;
        Assert.Equal(RefusalCode.BadSignature, Upload([.. own.Take(5), own[5] with { Frame = frame }]));

        // Consistent sharings of everybody else, but in answer to advertisements that this member did not see.
        RelayedSharing[] others = [.. own.Where((_, dealer) => dealer > 0).Select((shown, i) => shown with { Frame = Elsewhere(shown, i + 1) })];
        Assert.Equal(RefusalCode.Equivocation, Upload(others));

        // A member that deals a share that does not decrypt is named.
        var body = CommitteeSharingBody.TryDecode(SignedFrame.Open(own[5].Frame, MessageKind.Sharing, federation.Parameters).Required.Body, federation.Parameters)!;
        var garbage = new byte[CommitteeEnvelope.SizeBytes];
        var dealtWrongly = body with { EnvelopeHashes = [SHA256.HashData(garbage), .. body.EnvelopeHashes.Skip(1)] };
        Assert.Equal(new Refusal(RefusalCode.BadShare, 5), round.Clients[0].Upload([.. own.Take(5), new(Sealed(dealtWrongly), garbage)], federation.Inputs[0]).Refusal);
        Assert.Equal(RefusalCode.Equivocation, Upload([.. own.Take(5), own[5] with { Frame = Sealed(body with { Advertisements = new byte[32] }) }]));
        Assert.Equal(new Refusal(RefusalCode.Malformed, 5), round.Clients[0].Upload([.. own.Take(5), own[5] with { Frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, 5, federation.Identities[5], new byte[99]) }], federation.Inputs[0]).Refusal);

        // None of that left a trace.
        Assert.True(round.Clients[0].Upload(own, federation.Inputs[0]).IsAccepted);
        Assert.Equal(RefusalCode.AlreadyDecided, Upload([.. own.Take(5)]));
        Assert.True(round.Clients[0].Upload(own, federation.Inputs[0]).IsAccepted);

        RefusalCode Upload(IReadOnlyList<RelayedSharing> shown) => round.Clients[0].Upload(shown, federation.Inputs[0]).Refusal!.Code;
        byte[] Elsewhere(RelayedSharing shown, int dealer)
        {
            var dealt = CommitteeSharingBody.TryDecode(SignedFrame.Open(shown.Frame, MessageKind.Sharing, federation.Parameters).Required.Body, federation.Parameters)!;
            return SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, dealer, federation.Identities[dealer], (dealt with { Advertisements = new byte[32] }).Encode());
        }

        byte[] Sealed(CommitteeSharingBody dealt) => SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, 5, federation.Identities[5], dealt.Encode());
    }

    [Fact]
    public void A_member_that_chooses_its_part_of_the_key_after_the_others_is_refused_by_everybody()
    {
        const int Rogue = 11;
        using var federation = new Federation(13, 8, AggregationMode.Committee);
        var parameters = federation.Parameters;
        var coordinator = new AggregationCoordinator(parameters);
        AggregationClient[] members = [.. Enumerable.Range(0, 12).Select(federation.Client)];
        Assert.All(members, member => Assert.Null(coordinator.ReceiveAdvertisement(member.Advertise().Required.Release())));
        var advertisements = coordinator.CloseAdvertisements().Required;
        KeySharing[] sharings = [.. members.Select(member => member.ShareKeys(advertisements).Required.Release())];
        CommitteeSharingBody[] bodies = [.. sharings.Select(sharing => CommitteeSharingBody.TryDecode(SignedFrame.Open(sharing.Frame, MessageKind.Sharing, parameters).Required.Body, parameters)!)];

        // Its part is one of its own less everybody else's: the sum is its own, and whoever knows that key opens a single client's upload.
        var committee = CommitteeKey.ParametersOf(parameters);
        var seed = EncryptionSeeds.CommitteePublic(parameters);
        using var own = new CommitteeDealing(committee, seed, SHA256.HashData([7]));
        var rogue = Less(own.PublicPart, bodies.Take(Rogue).Select(body => body.PublicPart));
        using var key = Sum([.. bodies.Take(Rogue).Select(body => body.PublicPart), rogue]);
        long[] secret = [.. Enumerable.Range(0, Ring.Degree).Select(i => (long)(i % 100) - 50)];
        var ciphertext = new byte[CommitteeEncryption.CiphertextSizeBytes];
        CommitteeEncryption.Encrypt(committee, seed, key, secret, SHA256.HashData([8]), ciphertext);
        using var first = RingElement.TryRead(ciphertext.AsSpan(0, ResidueFormat.ElementSizeBytes))!;
        using var second = RingElement.TryRead(ciphertext.AsSpan(ResidueFormat.ElementSizeBytes))!;
        var answers = Enumerable.Range(1, committee.Threshold).ToDictionary(point => point, point =>
        {
            using var share = RingElement.TryRead(own.ShareAt(point))!;
            using var flooding = new KeystreamWords(SHA256.HashData([9, (byte)point]).AsSpan(0, 16));
            return RingElement.TryRead(CommitteeEncryption.Answer(committee, second, share, flooding))!;
        });
        Assert.Equal(secret, CommitteeEncryption.Open(committee, first, answers, survivors: 1)!);

        // The part is not the committed one; a list with another commitment is not the one that the others signed.
        var shown = sharings[Rogue] with { Frame = Sealed(bodies[Rogue] with { PublicPart = rogue }) };
        var entries = bodies[Rogue].Committed.Entries.Select(entry => entry.Member == Rogue ? (Rogue, CommittedParts.Commit(parameters, Rogue, rogue)) : entry);
        var relisted = sharings[Rogue] with { Frame = Sealed(bodies[Rogue] with { PublicPart = rogue, Committed = new CommittedParts([.. entries]) }) };
        Assert.Equal(new Refusal(RefusalCode.BadKey, Rogue), coordinator.ReceiveSharing(shown));
        Assert.Equal(new Refusal(RefusalCode.Equivocation, Rogue), coordinator.ReceiveSharing(relisted));
        using var outsider = federation.Client(12);
        Assert.Equal(new Refusal(RefusalCode.BadKey, Rogue), outsider.Upload(Relayed(12, shown), federation.Inputs[12]).Refusal);
        Assert.Equal(RefusalCode.Equivocation, outsider.Upload(Relayed(12, relisted), federation.Inputs[12]).Refusal!.Code);
        Assert.Equal(new Refusal(RefusalCode.BadKey, Rogue), members[0].Upload(Relayed(0, shown), federation.Inputs[0]).Refusal);
        Assert.Equal(RefusalCode.Equivocation, members[0].Upload(Relayed(0, relisted), federation.Inputs[0]).Refusal!.Code);
        Assert.All(sharings, sharing => Assert.Null(coordinator.ReceiveSharing(sharing)));
        Assert.True(outsider.Upload(coordinator.CloseSharings().Required[12], federation.Inputs[12]).IsAccepted);
        Array.ForEach(members, member => member.Dispose());

        byte[] Sealed(CommitteeSharingBody body) => SignedFrame.Seal(MessageKind.Sharing, parameters, Rogue, federation.Identities[Rogue], body.Encode());
        RelayedSharing[] Relayed(int reader, KeySharing last) => [.. sharings.Take(Rogue).Append(last).Select((sharing, dealer) =>
            new RelayedSharing(sharing.Frame, reader == 12 || dealer == reader ? default : sharing.Envelopes[reader < dealer ? reader : reader - 1]))];
    }

    [Fact]
    public void A_commitment_to_a_part_of_the_key_is_one_members_and_one_rounds()
    {
        using var federation = new Federation(4, 8, AggregationMode.Committee);
        var (part, other) = (new byte[] { 1 }, federation.ParametersOf(AggregationMode.Committee, 8, round: 2));
        var commitment = CommittedParts.Commit(federation.Parameters, 1, part);
        Assert.NotEqual(commitment, CommittedParts.Commit(federation.Parameters, 2, part));
        Assert.NotEqual(commitment, CommittedParts.Commit(other, 1, part));
        var list = new CommittedParts([(0, new byte[32]), (1, commitment)]);
        Assert.True(list.Admits(federation.Parameters, 1, part));
        Assert.False(list.Admits(federation.Parameters, 0, part));
        Assert.False(list.Admits(federation.Parameters, 1, [2]));
        Assert.False(list.AreSame(new CommittedParts([(0, new byte[32])])));
        Assert.False(list.AreSame(new CommittedParts([(0, new byte[32]), (2, commitment)])));
        Assert.False(list.AreSame(new CommittedParts([(0, commitment), (1, commitment)])));
        Assert.True(list.AreSame(list));
    }

    [Theory, InlineData(new[] { 0, 1, 3 }, true), InlineData(new[] { 3 }, true), InlineData(new[] { 0, 0, 1 }, false), InlineData(new[] { 0, 2, 1 }, false), InlineData(new[] { 1, 0, 3 }, false)]
    public void Commitments_are_listed_in_one_order_and_each_member_once(int[] members, bool read)
    {
        using var federation = new Federation(4, 8, AggregationMode.Committee);
        var writer = new WireWriter();
        new CommittedParts([.. members.Select(member => (member, new byte[32]))]).Write(writer);
        var reader = new WireReader(writer.ToArray());
        CommittedParts.Read(ref reader, federation.Parameters);
        Assert.Equal(read, !reader.IsBroken);
    }

    private static RingElement Sum(IEnumerable<byte[]> parts)
    {
        var sum = new CiphertextSum(elements: 1);
        Assert.All(parts, part => Assert.True(sum.TryAdd(part)));
        var element = new RingElement();
        sum.Read(0, element);
        return element;
    }

    private static byte[] Less(byte[] minuend, IEnumerable<byte[]> parts)
    {
        using var difference = RingElement.TryRead(minuend)!;
        using var sum = Sum(parts);
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            RingArithmetic.Fastest.ScaledDifference(difference[prime], difference[prime], sum[prime], 1, Ring.Moduli[prime]);
        }

        return difference.ToBytes();
    }
}
