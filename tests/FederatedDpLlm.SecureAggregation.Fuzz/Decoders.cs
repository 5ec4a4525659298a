using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.SecureAggregation.Fuzz;

/// <summary>Every decoder of the core, with an honest encoding from one small round whose keys are the same in every run.</summary>
internal static class Decoders
{
    private const int Clients = 4;

    public static IReadOnlyList<Decoder> All()
    {
        var random = new CountingRandom();
        HospitalIdentity[] identities = [.. Enumerable.Range(0, Clients).Select(client => new HospitalIdentity(SHA256.HashData([(byte)client])))];
        var parameters = new RoundParameters(
            "fuzz", 1, AggregationMode.Mask, 3, 8, [.. identities.Select(identity => identity.PublicKey)], new byte[32], new byte[32], 3);
        var entries = new List<TranscriptEntry>();
        using var file = new MemoryStream();
        var writer = new TranscriptWriter(file, parameters);
        var round = new InProcessRound(parameters, identities, random)
        {
            InputOf = _ => new[] { 1, 2, 3 },
            Record = entry =>
            {
                entries.Add(entry);
                writer.Append(entry);
            },
        };
        var seal = writer.Seal(round.Run(CancellationToken.None), identities[0]);
        var book = AdvertisementBook.Read([.. Of(CoordinatorStage.Advertisements).Select(entry => entry.Frame)], parameters).Required;
        var sharing = Of(CoordinatorStage.Sharings).First();
        var dealer = SignedFrame.Open(sharing.Frame, MessageKind.Sharing, parameters).Required;
        var upload = SignedFrame.Open(Of(CoordinatorStage.Uploads).First().Frame, MessageKind.Upload, parameters).Required;
        var unmasking = SignedFrame.Open(Of(CoordinatorStage.Unmaskings).First().Frame, MessageKind.Unmasking, parameters).Required;
        var announced = new SurvivorAnnouncement([0, 1, 2, 3], SHA256.HashData([1]));
        var announcement = announced.Encode(parameters);
        var (dealt, reader) = Sharing(parameters, identities, random);
        var snapshot = dealt.Snapshot.ToArray();
        var committee = new RoundParameters(
            "fuzz", 1, AggregationMode.Committee, 3, 8, [.. identities.Select(identity => identity.PublicKey)], new byte[32], new byte[32], 3, acceptUnreviewedCryptography: true);
        var (memberDealt, memberReader) = Sharing(committee, identities, random);
        var member = SignedFrame.Open(memberDealt.Release().Frame, MessageKind.Sharing, committee).Required.Body.ToArray();
        var sumCommitments = SumCheck.Contribute(parameters, SumChallenge.For(parameters, announced, new int[3]), new int[3], 1, identities[1], random).Commitments.ToArray();
        using var element = CommitteeEncryption.PublicPolynomial(new byte[16]);
        byte[] scalar = [1, .. new byte[31]];
        var point = new byte[GroupElement.SizeBytes];
        GroupElement.SecondGenerator.CopyTo(point);
        return
        [
            new("round-parameters", parameters.Encode(), bytes => RoundParameters.TryDecode(bytes)?.Encode()),
            new("survivor-announcement", announcement, bytes => SurvivorAnnouncement.TryDecode(bytes, parameters)?.Encode(parameters)),
            new("client-snapshot", snapshot, bytes => ClientMemory.TryDecode(bytes)?.Encode()),
            new("signed-frame", sharing.Frame.ToArray(), bytes => SignedFrame.Open(bytes, MessageKind.Sharing, parameters).Value?.Bytes.ToArray()),
            new("advertisement", Of(CoordinatorStage.Advertisements).First().Frame.ToArray(), bytes => AdvertisementBook.Open(bytes, parameters).Value?.Bytes.ToArray()),
            new("sharing-body", dealer.Body.ToArray(), bytes => SharingBody.TryDecode(bytes, dealer.Sender, book.Graph)?.Encode()),
            new("sharing-body-of-a-holder", dealer.Body.ToArray(), bytes => SharingBody.TryDecode(bytes, dealer.Sender, book.Graph, reader: 1) is null ? null : bytes),
            new("sharing-with-envelopes", sharing.Frame.ToArray(), bytes => DealtSharing.Read(new KeySharing(bytes, sharing.Attachments), book, parameters).Value?.Frame.ToArray()),
            new("share-envelope", sharing.Attachments[0].ToArray(), bytes => DealtSharing.Read(new KeySharing(sharing.Frame, [bytes, .. sharing.Attachments.Skip(1)]), book, parameters).Value?.Envelopes[0].ToArray()),
            new("opened-share-envelope", dealt.Release().Envelopes[0].ToArray(), OpenShares(parameters, dealt, reader)),
            new("committee-envelope", memberDealt.Release().Envelopes[0].ToArray(), OpenCommitteeShare(committee, memberDealt, memberReader)),
            new("sum-commitments", sumCommitments, bytes => SumCheck.Verify(parameters, announced, new int[3], [bytes], new AggregateSum(new int[SumCheck.VectorLength], announced.Survivors, [])) is { Code: RefusalCode.TooFewSurvivors } ? bytes : null),
            new("upload-body", upload.Body.ToArray(), bytes => UploadBody.TryDecode(bytes)?.Encode()),
            new("unmasking-body", unmasking.Body.ToArray(), bytes => UnmaskingBody.TryDecode(bytes, unmasking.Sender, parameters)?.Encode()),
            new("committee-sharing-body", member, bytes => CommitteeSharingBody.TryDecode(bytes, committee)?.Encode()),
            new("ring-element", element.ToBytes(), bytes => RingElement.TryRead(bytes)?.ToBytes()),
            new("scalar", scalar, bytes => Scalar.TryRead(bytes, out var read) ? read.Bytes.ToArray() : null),
            new("group-element", point, bytes => GroupElement.TryRead(bytes, out var read) ? Written(read) : null),
            new("transcript-seal", seal.Encode(), bytes => TranscriptSeal.TryDecode(bytes)?.Encode()),
            new("transcript", file.ToArray(), bytes => TranscriptAudit.Run(new MemoryStream(bytes)).Fault is null ? bytes : null),
        ];

        IEnumerable<TranscriptEntry> Of(CoordinatorStage stage) => entries.Where(entry => entry.Stage == stage);
    }

    private static (PendingRelease<KeySharing> Dealt, HybridKeyPair Reader) Sharing(RoundParameters parameters, HospitalIdentity[] identities, CountingRandom random)
    {
        var clients = identities.Select((identity, number) => new AggregationClient(parameters, number, identity, random)).ToList();
        var pending = clients.Select(client => client.Advertise().Required).ToList();
        var dealt = clients[0].ShareKeys([.. pending.Select(advertisement => advertisement.Release())]).Required;
        clients.ForEach(client => client.Dispose());
        return (dealt, new HybridKeyPair(ClientMemory.TryDecode(pending[1].Snapshot.Span)!.ChannelSeed));
    }

    private static Func<byte[], byte[]?> OpenShares(RoundParameters parameters, PendingRelease<KeySharing> dealt, HybridKeyPair reader)
    {
        var memory = ClientMemory.TryDecode(dealt.Snapshot.Span)!;
        var graph = SharingGraph.Build(Clients, memory.Members, parameters.Sharing, memory.Advertisements);
        var body = SharingBody.TryDecode(SignedFrame.Open(dealt.Release().Frame, MessageKind.Sharing, parameters).Required.Body, 0, graph)!;
        var context = new EnvelopeContext(parameters, memory.Advertisements, body.Binding, 0, 1);
        return bytes => ShareEnvelope.TryOpen(context, bytes, reader, out _, out _) ? bytes : null;
    }

    private static Func<byte[], byte[]?> OpenCommitteeShare(RoundParameters parameters, PendingRelease<KeySharing> dealt, HybridKeyPair reader)
    {
        var memory = ClientMemory.TryDecode(dealt.Snapshot.Span)!;
        var body = CommitteeSharingBody.TryDecode(SignedFrame.Open(dealt.Release().Frame, MessageKind.Sharing, parameters).Required.Body, parameters)!;
        var context = new EnvelopeContext(parameters, memory.Advertisements, body.Binding, 0, 1);
        return bytes => CommitteeEnvelope.TryOpen(context, bytes, reader) is null ? null : bytes;
    }

    private static byte[] Written(GroupElement element)
    {
        var bytes = new byte[GroupElement.SizeBytes];
        element.CopyTo(bytes);
        return bytes;
    }

    // Keys of a harness, the same in every run, so that seeds found once stay what they were.
    private sealed class CountingRandom : ISecureRandom
    {
        private long _counter;

        public void Fill(Span<byte> destination)
        {
            Span<byte> input = stackalloc byte[8];
            Span<byte> block = stackalloc byte[32];
            while (!destination.IsEmpty)
            {
                BinaryPrimitives.WriteInt64LittleEndian(input, _counter++);
                SHA256.HashData(input, block);
                var taken = Math.Min(32, destination.Length);
                block[..taken].CopyTo(destination);
                destination = destination[taken..];
            }
        }
    }
}
