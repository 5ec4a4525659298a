using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// A client is killed at every edge: after the snapshot was stored and before the message went out, and after. What comes back from the latest snapshot may
/// repeat what it decided, and nothing else, whatever the coordinator asks for the second time.
/// </summary>
public sealed class CrashTests
{
    private const int Client = 1;

    [Theory, MemberData(nameof(ExactSumTests.Modes), MemberType = typeof(ExactSumTests))]
    public void Whatever_the_edge_a_restarted_client_repeats_its_message_or_refuses(AggregationMode mode)
    {
        using var federation = new Federation(6, 12, mode);
        var honest = Edges(federation);
        for (var edge = 0; edge < honest.Count; edge++)
        {
            using var restarted = AggregationClient.Restore(honest[edge].Snapshot, federation.Parameters, federation.Identities[Client], federation.Random);
            Assert.Equal(honest[edge].Message, honest[edge].Again(restarted));
            foreach (var other in honest[edge].Others)
            {
                Assert.Contains(other(restarted), new[] { RefusalCode.AlreadyDecided, RefusalCode.WrongStage, RefusalCode.Equivocation });
            }

            // What it repeats after the refusals is still the same.
            Assert.Equal(honest[edge].Message, honest[edge].Again(restarted));
        }
    }

    // The crash comes after the step and before its snapshot was stored: nothing was sent, the older snapshot decides afresh, and only that decision leaves.
    // A second crash, after storing, repeats it to the byte.
    [Theory, MemberData(nameof(ExactSumTests.Modes), MemberType = typeof(ExactSumTests))]
    public void A_client_restarted_before_its_decision_was_stored_decides_once_and_what_it_sends_is_one_message(AggregationMode mode)
    {
        using var federation = new Federation(6, 12, mode);
        using var round = new ManualRound(federation);
        round.ToSharings();
        _ = round.UploadPending(Client);
        Assert.Equal(ClientStage.Shared, Restart(round.Snapshots[Client]).Stage);
        Assert.Equal(RefusalCode.WrongStage, round.Clients[Client].Confirm(new AnnouncedSurvivors(default, [])).Refusal!.Code);
        Assert.Equal(RefusalCode.WrongStage, round.Clients[Client].Unmask([]).Refusal!.Code);
        Assert.All(round.Clients, client => Assert.Null(round.Coordinator.ReceiveUpload(round.Upload(client.Self))));
        Restart(round.Uploaded[Client]);
        var again = round.UploadPending(Client).Release();
        Assert.Equal(round.Uploads[Client].Header.ToArray(), again.Header.ToArray());
        Assert.Equal(round.Uploads[Client].Payload.ToArray(), again.Payload.ToArray());
        Assert.Equal(RefusalCode.Replayed, round.Coordinator.ReceiveUpload(again)!.Code);

        var announced = round.Coordinator.CloseUploads().Required;
        _ = round.Clients[Client].Confirm(announced[Client]).Required;
        Restart(round.Uploaded[Client]);
        round.Confirm(announced);
        Restart(round.Snapshots[Client]);
        Assert.Equal(round.Confirmations[Client].ToArray(), round.Clients[Client].Confirm(announced[Client]).Required.Release().ToArray());

        _ = round.Clients[Client].Unmask(round.Confirmations).Required;
        var unmasking = Restart(round.Snapshots[Client]).Unmask(round.Confirmations).Required;
        var released = unmasking.Release().ToArray();
        Assert.Equal(released, Restart(unmasking.Snapshot.ToArray()).Unmask(round.Confirmations).Required.Release().ToArray());
        round.Forged[Client] = released;
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), round.Finish().Required.Values.ToArray());

        AggregationClient Restart(byte[] snapshot)
        {
            round.Clients[Client].Dispose();
            return round.Clients[Client] = AggregationClient.Restore(snapshot, federation.Parameters, federation.Identities[Client], federation.Random);
        }
    }

    [Fact]
    public void Over_every_pair_of_requests_no_client_ever_releases_two_shares_of_one_dealer()
    {
        // Two survivor sets, both with a valid inclusion proof of the client's own upload, in either order, with a crash between any two steps.
        using var federation = new Federation(6, 12, minimumSurvivors: 5);
        foreach (var restart in new[] { false, true })
        {
            using var round = new ManualRound(federation);
            var announced = round.ToUploads();
            byte[][] leaves = [.. round.Uploads.Where(upload => upload.Key != 5).Select(upload => FederatedDpLlm.SecureAggregation.Commitments.MerkleTree.HashLeaf(upload.Value.Header.Span))];
            var other = new SurvivorAnnouncement([0, 1, 2, 3, 4], FederatedDpLlm.SecureAggregation.Commitments.MerkleTree.Root(leaves));
            var second = new AnnouncedSurvivors(other.Encode(federation.Parameters), FederatedDpLlm.SecureAggregation.Commitments.MerkleTree.Prove(leaves, Client));
            var signed = Enumerable.Range(0, 5).Select(client => (ReadOnlyMemory<byte>)SignedFrame.Seal(
                MessageKind.Confirmation, federation.Parameters, client, federation.Identities[client], other.Digest(federation.Parameters))).ToArray();
            var client = round.Clients[Client];
            var pending = client.Confirm(second).Required;
            if (restart)
            {
                client = AggregationClient.Restore(pending.Snapshot.Span, federation.Parameters, federation.Identities[Client], federation.Random);
            }

            var release = client.Unmask(signed).Required;
            if (restart)
            {
                client = AggregationClient.Restore(release.Snapshot.Span, federation.Parameters, federation.Identities[Client], federation.Random);
            }

            // The dropped client's seed share is out: its self-mask share is gone from memory and from the snapshot, and asking again gives the same bytes.
            Assert.False(client.Confirm(announced[Client]).IsAccepted);
            Assert.Equal(release.Release().ToArray(), client.Unmask([.. signed.Reverse()]).Required.Release().ToArray());
            Assert.Empty(ClientMemory.TryDecode(release.Snapshot.Span)!.Held);
        }
    }

    [Theory, InlineData(AggregationMode.Mask), InlineData(AggregationMode.Committee)]
    public void A_snapshot_that_no_client_of_the_round_can_have_written_is_refused(AggregationMode mode)
    {
        using var federation = new Federation(6, 12, mode);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var honest = round.Snapshots[Client];
        AggregationClient.Restore(honest, federation.Parameters, federation.Identities[Client], federation.Random).Dispose();
        foreach (var change in new Action<ClientMemory>[]
        {
            memory => memory.LastMessage = [],
            memory => memory.Stage = ClientStage.Fresh,
            memory => memory.UploadLeaf = [],
            memory => memory.Advertisements = [],
            memory => memory.Members = [0, 2, 3],
            memory => memory.Members = [1, 0],
            memory => memory.Members = [1, 1000],
            memory => memory.Held[6] = default,
            memory => memory.EdgeKeys[6] = new byte[16],
            memory => memory.Announcement = [],
            memory => memory.Announcement = [.. memory.Announcement, 0],
            memory => memory.CommitteeShare = mode == AggregationMode.Committee ? [] : new byte[ResidueFormat.ElementSizeBytes],
            memory => memory.CommitteeSum = mode == AggregationMode.Committee ? [.. Enumerable.Repeat((byte)0xFF, ResidueFormat.ElementSizeBytes)] : new byte[ResidueFormat.ElementSizeBytes],
        })
        {
            var memory = ClientMemory.TryDecode(honest)!;
            change(memory);
            Assert.Throws<ArgumentException>(() => AggregationClient.Restore(memory.Encode(), federation.Parameters, federation.Identities[Client], federation.Random));
        }

        var other = federation.ParametersOf(mode, 12, round: 2);
        Assert.Throws<ArgumentException>(() => AggregationClient.Restore(honest, other, federation.Identities[Client], federation.Random));
        Assert.Throws<ArgumentException>(() => AggregationClient.Restore(honest, federation.Parameters, federation.Identities[0], federation.Random));
    }

    [Theory, MemberData(nameof(ExactSumTests.Modes), MemberType = typeof(ExactSumTests))]
    public void A_coordinator_fed_its_journal_again_after_a_crash_at_any_message_is_where_it_was(AggregationMode mode)
    {
        using var federation = new Federation(5, 6, mode, minimumSurvivors: 4);
        var journal = new List<TranscriptEntry>();
        var round = new InProcessRound(federation.Parameters, federation.Identities, federation.Random)
        {
            InputOf = number => federation.Inputs[number],
            DropoutOf = client => client == 3 ? DropoutStage.BeforeUpload : DropoutStage.Never,
            Record = journal.Add,
        };
        var sum = round.Run(CancellationToken.None).Required;
        for (var crash = 0; crash < journal.Count; crash += mode == AggregationMode.Committee ? 4 : 1)
        {
            var coordinator = new AggregationCoordinator(federation.Parameters);
            journal.Take(crash + 1).ToList().ForEach(entry => Assert.Null(Feed(coordinator, entry)));
            Assert.Equal(journal[crash].Stage, coordinator.Stage);
            Assert.Equal(RefusalCode.Replayed, Feed(coordinator, journal[crash])!.Code);
            journal.Skip(crash + 1).ToList().ForEach(entry => Assert.Null(Feed(coordinator, entry)));
            Assert.Equal(sum.Values.ToArray(), coordinator.Finish().Required.Values.ToArray());
        }
    }

    private static Refusal? Feed(AggregationCoordinator coordinator, TranscriptEntry entry)
    {
        while (coordinator.Stage < entry.Stage)
        {
            Assert.True(coordinator.Stage switch
            {
                CoordinatorStage.Advertisements => coordinator.CloseAdvertisements().IsAccepted,
                CoordinatorStage.Sharings => coordinator.CloseSharings().IsAccepted,
                CoordinatorStage.Uploads => coordinator.CloseUploads().IsAccepted,
                _ => coordinator.CloseConfirmations().IsAccepted,
            });
        }

        return entry.Stage switch
        {
            CoordinatorStage.Advertisements => coordinator.ReceiveAdvertisement(entry.Frame),
            CoordinatorStage.Sharings => coordinator.ReceiveSharing(new KeySharing(entry.Frame, entry.Attachments)),
            CoordinatorStage.Uploads => coordinator.ReceiveUpload(new MaskedUpload(entry.Frame, entry.Attachments[0])),
            CoordinatorStage.Confirmations => coordinator.ReceiveConfirmation(entry.Frame),
            _ => coordinator.ReceiveUnmasking(entry.Frame),
        };
    }

    private static List<Edge> Edges(Federation federation)
    {
        using var round = new ManualRound(federation);
        var edges = new List<Edge>();
        var client = round.Clients[Client];
        var advertised = client.Advertise().Required;
        var others = round.Clients.Where(other => other.Self != Client).Select(other => other.Advertise().Required.Release()).ToList();
        List<ReadOnlyMemory<byte>> all = [others[0], advertised.Release(), .. others.Skip(1)];
        edges.Add(new Edge(
            advertised.Snapshot.ToArray(), advertised.Release().ToArray(), restarted => restarted.Advertise().Required.Release().ToArray(),
            [restarted => restarted.Upload([], federation.Inputs[Client]).Refusal!.Code, restarted => restarted.Confirm(new AnnouncedSurvivors(default, [])).Refusal!.Code, restarted => restarted.Unmask([]).Refusal!.Code]));

        using var full = new ManualRound(federation);
        var inboxes = full.ToSharings();
        var advertisements = full.Advertisements;
        var shared = full.Snapshots[Client];
        edges.Add(new Edge(
            shared, Flat(full.Sharings[Client]), restarted => Flat(restarted.ShareKeys(advertisements).Required.Release()),
            [restarted => restarted.ShareKeys([.. advertisements.Take(5)]).Refusal!.Code, restarted => restarted.Advertise().Refusal!.Code, restarted => restarted.Unmask([]).Refusal!.Code]));

        var uploads = Enumerable.Range(0, 6).Select(full.UploadPending).ToArray();
        edges.Add(new Edge(
            uploads[Client].Snapshot.ToArray(), uploads[Client].Release().Payload.ToArray(), restarted => restarted.Upload(inboxes[Client], federation.Inputs[Client]).Required.Release().Payload.ToArray(),
            [restarted => restarted.Upload(inboxes[Client], federation.Inputs[0]).Refusal!.Code, restarted => restarted.ShareKeys(advertisements).Refusal!.Code, restarted => restarted.Unmask([]).Refusal!.Code]));

        Assert.All(uploads, upload => Assert.Null(full.Coordinator.ReceiveUpload(upload.Release())));
        var announced = full.Coordinator.CloseUploads().Required;
        full.Confirm(announced);
        var without = new SurvivorAnnouncement([0, 1, 2, 3, 4], new byte[32]).Encode(federation.Parameters);
        edges.Add(new Edge(
            full.Snapshots[Client], full.Confirmations[Client].ToArray(), restarted => restarted.Confirm(announced[Client]).Required.Release().ToArray(),
            [restarted => restarted.Confirm(new AnnouncedSurvivors(without, [])).Refusal!.Code, restarted => restarted.Upload(inboxes[Client], federation.Inputs[Client]).Refusal!.Code]));

        var unmasked = full.Clients[Client].Unmask(full.Confirmations).Required;
        edges.Add(new Edge(
            unmasked.Snapshot.ToArray(), unmasked.Release().ToArray(), restarted => restarted.Unmask([]).Required.Release().ToArray(),
            [restarted => restarted.Confirm(new AnnouncedSurvivors(without, [])).Refusal!.Code, restarted => restarted.Confirm(announced[Client]).Refusal!.Code, restarted => restarted.Upload(inboxes[Client], federation.Inputs[0]).Refusal!.Code]));
        return edges;
    }

    private static byte[] Flat(KeySharing sharing) => [.. sharing.Frame.Span, .. sharing.Envelopes.SelectMany(envelope => envelope.ToArray())];

    /// <param name="Snapshot">What was stored.</param>
    /// <param name="Message">What was then sent.</param>
    /// <param name="Again">The same request once more.</param>
    /// <param name="Others">Other requests, each of which must be refused.</param>
    private sealed record Edge(byte[] Snapshot, byte[] Message, Func<AggregationClient, byte[]> Again, IReadOnlyList<Func<AggregationClient, RefusalCode>> Others);
}
