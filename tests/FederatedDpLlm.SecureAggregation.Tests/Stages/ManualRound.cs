using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>A round driven step by step, so that a test can put its own message in the place of an honest one.</summary>
internal sealed class ManualRound(Federation federation) : IDisposable
{
    private IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> _inboxes = new Dictionary<int, IReadOnlyList<RelayedSharing>>();

    public AggregationCoordinator Coordinator { get; } = new(federation.Parameters);

    public AggregationClient[] Clients { get; } = [.. Enumerable.Range(0, federation.Parameters.Clients).Select(federation.Client)];

    public IReadOnlyList<ReadOnlyMemory<byte>> Advertisements { get; private set; } = [];

    public Dictionary<int, byte[]> Snapshots { get; } = [];

    public Dictionary<int, KeySharing> Sharings { get; } = [];

    public SortedDictionary<int, MaskedUpload> Uploads { get; } = [];

    public IReadOnlyList<ReadOnlyMemory<byte>> Confirmations { get; private set; } = [];

    public Dictionary<int, ReadOnlyMemory<byte>> Forged { get; } = [];

    public IReadOnlyList<ReadOnlyMemory<byte>> Advertise()
    {
        var messages = Clients.Select(client => client.Advertise().Required.Release()).ToArray();
        Assert.All(messages, message => Assert.Null(Coordinator.ReceiveAdvertisement(message)));
        return messages;
    }

    public IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> ToSharings()
    {
        Advertise();
        var advertisements = Advertisements = Coordinator.CloseAdvertisements().Required;
        foreach (var client in Clients)
        {
            var pending = client.ShareKeys(advertisements).Required;
            Snapshots[client.Self] = pending.Snapshot.ToArray();
            Sharings[client.Self] = pending.Release();
            Assert.Null(Coordinator.ReceiveSharing(pending.Release()));
        }

        return _inboxes = Coordinator.CloseSharings().Required;
    }

    public MaskedUpload Upload(int client) => Uploads[client] = UploadPending(client).Release();

    public PendingRelease<MaskedUpload> UploadPending(int client) => Clients[client].Upload(_inboxes[client], federation.Inputs[client]).Required;

    public IReadOnlyDictionary<int, AnnouncedSurvivors> ToUploads()
    {
        ToSharings();
        Assert.All(Clients, client => Assert.Null(Coordinator.ReceiveUpload(Upload(client.Self))));
        return Coordinator.CloseUploads().Required;
    }

    public void ToConfirmations() => Confirm(ToUploads());

    public void Confirm(IReadOnlyDictionary<int, AnnouncedSurvivors> announced)
    {
        foreach (var client in Clients)
        {
            var pending = client.Confirm(announced[client.Self]).Required;
            Snapshots[client.Self] = pending.Snapshot.ToArray();
            Assert.Null(Coordinator.ReceiveConfirmation(pending.Release()));
        }

        Confirmations = Coordinator.CloseConfirmations().Required;
    }

    public Outcome<AggregateSum> Finish()
    {
        foreach (var client in Clients)
        {
            var message = Forged.TryGetValue(client.Self, out var forged) ? forged : client.Unmask(Confirmations).Required.Release();
            Assert.Null(Coordinator.ReceiveUnmasking(message));
        }

        return Coordinator.Finish();
    }

    public SecretShare[] HeldBy(Func<ClientMemory, SecretShare> share) => [.. Clients.Select(client => share(ClientMemory.TryDecode(Snapshots[client.Self])!))];

    /// <summary>What a coordinator that got these shares makes of one client's upload.</summary>
    public int[] OpenUpload(int client, SecretShare[] seedShares, SecretShare[]? selfMasks)
    {
        var memory = ClientMemory.TryDecode(Snapshots[client])!;
        var threshold = federation.Parameters.Sharing.Threshold;
        var seed = VerifiableSecretSharing.Reconstruct(seedShares.AsSpan()[..threshold]).Value;
        Assert.True(seed.FixedTimeEquals(memory.Seed));
        using var masks = new MaskSet();
        foreach (var (other, key) in memory.EdgeKeys)
        {
            // The keys follow from the seed, as another test shows; they are taken from the memory here for brevity.
            masks.Add(key, subtract: client < other);
        }

        if (selfMasks is not null)
        {
            var key = new byte[16];
            MaskSeed.SelfMaskKey(VerifiableSecretSharing.Reconstruct(selfMasks.AsSpan()[..threshold]).Value, federation.Parameters.Digest, client, key);
            masks.Add(key, subtract: true);
        }

        var format = LaneFormat.For(federation.Parameters.SumBits);
        var lanes = new uint[federation.Parameters.VectorLength];
        format.AddTo(lanes, Uploads[client].Payload.Span);
        masks.ApplyTo(lanes, 1);
        return [.. lanes.Select(format.Signed)];
    }

    /// <summary>The dealer's sharing with a wrong share for one reader, properly encrypted and signed.</summary>
    public RelayedSharing DealWrongly(int dealer, int reader)
    {
        var memory = ClientMemory.TryDecode(Snapshots[dealer])!;
        var graph = SharingGraph.Build(federation.Parameters.Clients, memory.Members, federation.Parameters.Sharing, memory.Advertisements);
        var body = SharingBody.TryDecode(SignedFrame.Open(Sharings[dealer].Frame, MessageKind.Sharing, federation.Parameters).Required.Body, dealer, graph)!;
        var context = new EnvelopeContext(federation.Parameters, memory.Advertisements, body.Binding, dealer, reader);
        var wrong = new SecretShare(reader + 1, Scalar.Random(federation.Random), Scalar.Random(federation.Random));
        using var channel = new HybridKeyPair(ClientMemory.TryDecode(Snapshots[reader])!.ChannelSeed);
        var (ciphertext, secret) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
        Assert.True(HybridKeyPair.TryEncapsulate(channel.PublicKey, new byte[64], ciphertext, secret));
        var mask = dealer < reader ? new byte[HybridKeyPair.CiphertextSizeBytes] : [];
        var envelope = ShareEnvelope.Seal(context, ciphertext, secret, mask, wrong, wrong);
        var hashes = body.EnvelopeHashes.ToArray();
        hashes[SharingStep.PlaceAmongNeighbours(graph, dealer, reader)] = SHA256.HashData(envelope);
        var frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, dealer, federation.Identities[dealer], (body with { EnvelopeHashes = hashes }).Encode());
        return new RelayedSharing(frame, envelope);
    }

    /// <summary>The dealer's sharing with the ciphertext of another mask for one reader of a higher number, properly encrypted and signed.</summary>
    public KeySharing DealAnotherMask(int dealer, int reader)
    {
        var memory = ClientMemory.TryDecode(Snapshots[dealer])!;
        var graph = SharingGraph.Build(federation.Parameters.Clients, memory.Members, federation.Parameters.Sharing, memory.Advertisements);
        var body = SharingBody.TryDecode(SignedFrame.Open(Sharings[dealer].Frame, MessageKind.Sharing, federation.Parameters).Required.Body, dealer, graph)!;
        var context = new EnvelopeContext(federation.Parameters, memory.Advertisements, body.Binding, dealer, reader);
        using var channel = new HybridKeyPair(ClientMemory.TryDecode(Snapshots[reader])!.ChannelSeed);
        var place = SharingStep.PlaceAmongNeighbours(graph, dealer, reader);
        var envelopes = Sharings[dealer].Envelopes.ToArray();
        Assert.True(ShareEnvelope.TryOpen(context, envelopes[place].Span, channel, out var seed, out var selfMask));
        var (ciphertext, secret) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
        Assert.True(HybridKeyPair.TryEncapsulate(channel.PublicKey, new byte[64], ciphertext, secret));
        envelopes[place] = ShareEnvelope.Seal(context, ciphertext, secret, ciphertext, seed, selfMask);
        var hashes = body.EnvelopeHashes.ToArray();
        hashes[place] = SHA256.HashData(envelopes[place].Span);
        var frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, dealer, federation.Identities[dealer], (body with { EnvelopeHashes = hashes }).Encode());
        return new KeySharing(frame, envelopes);
    }

    public void Dispose() => Array.ForEach(Clients, client => client.Dispose());
}
