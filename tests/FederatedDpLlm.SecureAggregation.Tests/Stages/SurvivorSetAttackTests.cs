using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>A coordinator that lies about who survived.</summary>
/// <remarks>Where a test says "naive", it first carries the attack through against the variant that the literature or another implementation has.</remarks>
public sealed class SurvivorSetAttackTests
{
    private const int Target = 2;

    [Fact]
    public void Naive_holders_that_each_believe_the_survivor_set_they_are_told_open_both_secrets_of_a_client_together()
    {
        // As for a coordinator that is only curious: half of the six holders restore a secret, and each answers without asking what the others were told.
        var random = new TestRandom(41);
        var neighbours = Enumerable.Range(1, 6).Select(number => (Number: number, Seed: BareUpload.Neighbour(number, random))).ToArray();
        int[] update = [.. Enumerable.Range(0, 40).Select(i => (i * 911 % 65536) - 32768)];
        var upload = new BareUpload(update, [.. neighbours.Select(one => (one.Number, one.Seed.PublicKey))], random);
        Assert.Equal(update, OpenWithThreshold(3));

        // With more than two thirds, three shares of either restore neither; and the quorum of the next test keeps holders from answering at all.
        Assert.True(OpenWithThreshold(5).Zip(update).Count(pair => pair.First == pair.Second) <= 2);
        Array.ForEach(neighbours, one => one.Seed.Dispose());

        int[] OpenWithThreshold(int threshold)
        {
            var (seeds, _) = VerifiableSecretSharing.Deal(upload.Seed, threshold, [1, 2, 3, 4, 5, 6], random);
            var (selfMasks, _) = VerifiableSecretSharing.Deal(upload.SelfMask, threshold, [1, 2, 3, 4, 5, 6], random);
            var (toldItSurvived, toldItDropped) = (selfMasks[..3], seeds[3..]);
            return upload.Open(upload.EdgesFrom(VerifiableSecretSharing.Reconstruct(toldItDropped).Value), VerifiableSecretSharing.Reconstruct(toldItSurvived).Value);
        }
    }

    [Fact]
    public void A_coordinator_that_tells_two_survivor_sets_finishes_neither()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var announced = round.ToUploads();
        byte[][] leaves = [.. round.Uploads.Where(upload => upload.Key != Target).Select(upload => MerkleTree.HashLeaf(upload.Value.Header.Span))];
        var other = new SurvivorAnnouncement([0, 1, 3, 4, 5], MerkleTree.Root(leaves));
        AnnouncedSurvivors Other(int client) => new(other.Encode(federation.Parameters), MerkleTree.Prove(leaves, other.PlaceOf(client)));

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
    public void Confirmations_that_are_broken_are_passed_over_and_the_quorum_counts_the_others()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        ReadOnlyMemory<byte>[] broken = [.. round.Confirmations.Select((frame, client) => client < 2 ? Tampering.Flip(frame, frame.Length - 1) : frame)];
        Assert.Equal(RefusalCode.BelowThreshold, round.Clients[5].Unmask(broken).Refusal!.Code);
        Assert.True(round.Clients[5].Unmask([new byte[200], broken[0], default, .. round.Confirmations.Skip(1)]).IsAccepted);
    }
}
