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

    /// <summary>As of the upload: the last ones that hold what masked it.</summary>
    public Dictionary<int, byte[]> Uploaded { get; } = [];

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

    /// <summary>Everybody has dealt, and nothing of it has reached the coordinator: <see cref="Sharings"/> may be changed before <see cref="Deliver"/>.</summary>
    public void Deal()
    {
        Advertise();
        Advertisements = Coordinator.CloseAdvertisements().Required;
        foreach (var client in Clients)
        {
            var pending = client.ShareKeys(Advertisements).Required;
            Snapshots[client.Self] = pending.Snapshot.ToArray();
            Sharings[client.Self] = pending.Release();
        }
    }

    public IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> Deliver()
    {
        Assert.All(Sharings.OrderBy(sharing => sharing.Key), sharing => Assert.Null(Coordinator.ReceiveSharing(sharing.Value)));
        return _inboxes = Coordinator.CloseSharings().Required;
    }

    public IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> ToSharings()
    {
        Deal();
        return Deliver();
    }

    public MaskedUpload Upload(int client)
    {
        var pending = UploadPending(client);
        Uploaded[client] = pending.Snapshot.ToArray();
        return Uploads[client] = pending.Release();
    }

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

    /// <summary>From the uploads of these clients to the sum, the others having dropped out.</summary>
    public Outcome<AggregateSum> FinishWithout(params int[] dropped)
    {
        var survivors = Clients.Where(client => !dropped.Contains(client.Self)).ToList();
        Assert.All(survivors, client => Assert.Null(Coordinator.ReceiveUpload(Upload(client.Self))));
        var announced = Coordinator.CloseUploads();
        if (!announced.IsAccepted)
        {
            return Outcome<AggregateSum>.Refused(announced.Refusal);
        }

        Assert.All(survivors, client => Assert.Null(Coordinator.ReceiveConfirmation(client.Confirm(announced.Value[client.Self]).Required.Release())));
        Confirmations = Coordinator.CloseConfirmations().Required;
        Assert.All(survivors, client => Assert.Null(Coordinator.ReceiveUnmasking(client.Unmask(Confirmations).Required.Release())));
        return Coordinator.Finish();
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

    public SecretShare[] HeldBy(Func<ClientMemory, SecretShare> share) => [.. Clients.Select(client => share(ClientMemory.TryDecode(Uploaded[client.Self])!))];

    /// <summary>What a coordinator that got these shares makes of one client's upload.</summary>
    public int[] OpenUpload(int client, SecretShare[] seedShares, SecretShare[]? selfMasks)
    {
        var memory = ClientMemory.TryDecode(Uploaded[client])!;
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

        return Unmasked(client, masks);
    }

    /// <summary>What all others together make of one client's upload, from what they themselves hold.</summary>
    public int[] OpenByOthers(int client)
    {
        var others = Clients.Where(other => other.Self != client).Select(other => ClientMemory.TryDecode(Uploaded[other.Self])!).ToArray();
        using var masks = new MaskSet();
        foreach (var other in others)
        {
            masks.Add(other.EdgeKeys[client], subtract: client < other.Self);
        }

        var (shares, key) = (others.Select(other => other.Held[client].SelfMask).ToArray(), new byte[16]);
        MaskSeed.SelfMaskKey(VerifiableSecretSharing.Reconstruct(shares.AsSpan()[..federation.Parameters.Sharing.Threshold]).Value, federation.Parameters.Digest, client, key);
        masks.Add(key, subtract: true);
        return Unmasked(client, masks);
    }

    /// <summary>The dealer's sharing with wrong shares for some readers, properly encrypted and signed.</summary>
    public KeySharing DealWrongly(int dealer, params int[] readers) => DealAgain(dealer, (holder, mask, seed, selfMask) =>
        readers.Contains(holder) ? (mask, new SecretShare(holder + 1, Scalar.Random(federation.Random), Scalar.Random(federation.Random)), selfMask) : (mask, seed, selfMask));

    /// <summary>The dealer's sharing with the ciphertext of another mask for one reader of a higher number, properly encrypted and signed.</summary>
    public KeySharing DealAnotherMask(int dealer, int reader)
    {
        using var channel = new HybridKeyPair(ClientMemory.TryDecode(Snapshots[reader])!.ChannelSeed);
        var (other, secret) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
        Assert.True(HybridKeyPair.TryEncapsulate(channel.PublicKey, new byte[64], other, secret));
        return DealAgain(dealer, (holder, mask, seed, selfMask) => (holder == reader ? other : mask, seed, selfMask));
    }

    /// <summary>The dealer's sharing with its seed shared in a degree too high: every share is the committed one, and no threshold of them restores the seed.</summary>
    public KeySharing DealOfTooHighDegree(int dealer)
    {
        var (memory, graph, body) = Dealt(dealer);
        var (shares, commitments) = VerifiableSecretSharing.Deal(memory.Seed, federation.Parameters.Sharing.Threshold + 1, SharingBody.PointsOf(graph.HoldersOf(dealer)), federation.Random);
        return DealAgain(dealer, (holder, mask, _, selfMask) => (mask, shares.Single(share => share.Point == holder + 1), selfMask), body with { Seed = commitments });
    }

    private (ClientMemory Memory, SharingGraph Graph, SharingBody Body) Dealt(int dealer)
    {
        var memory = ClientMemory.TryDecode(Snapshots[dealer])!;
        var graph = SharingGraph.Build(federation.Parameters.Clients, memory.Members, federation.Parameters.Sharing, memory.Advertisements);
        return (memory, graph, SharingBody.TryDecode(SignedFrame.Open(Sharings[dealer].Frame, MessageKind.Sharing, federation.Parameters).Required.Body, dealer, graph)!);
    }

    private KeySharing DealAgain(int dealer, Func<int, byte[], SecretShare, SecretShare, (byte[] Mask, SecretShare Seed, SecretShare SelfMask)> change, SharingBody? changed = null)
    {
        var (memory, graph, honest) = Dealt(dealer);
        var body = changed ?? honest;
        body = body with { Binding = SHA256.HashData(SharingBody.EncodeCommitments(body.Advertisements, body.Seed, body.SelfMask)) };
        var envelopes = new List<byte[]>();
        foreach (var holder in graph.HoldersOf(dealer).ToArray().Where(holder => holder != dealer))
        {
            using var channel = new HybridKeyPair(ClientMemory.TryDecode(Snapshots[holder])!.ChannelSeed);
            var before = Sharings[dealer].Envelopes[SharingStep.PlaceAmongNeighbours(graph, dealer, holder)].Span;
            Assert.True(ShareEnvelope.TryOpen(Context(honest, holder), before, channel, out var seed, out var selfMask));
            var (ciphertext, secret) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32]);
            Assert.True(HybridKeyPair.TryEncapsulate(channel.PublicKey, new byte[64], ciphertext, secret));
            var (mask, newSeed, newSelfMask) = change(holder, ShareEnvelope.MaskCiphertext(before, dealer, holder).ToArray(), seed, selfMask);
            envelopes.Add(ShareEnvelope.Seal(Context(body, holder), ciphertext, secret, mask, newSeed, newSelfMask));
        }

        body = body with { EnvelopeHashes = [.. envelopes.Select(SHA256.HashData)] };
        var frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, dealer, federation.Identities[dealer], body.Encode());
        return new KeySharing(frame, [.. envelopes]);

        EnvelopeContext Context(SharingBody bound, int holder) => new(federation.Parameters, memory.Advertisements, bound.Binding, dealer, holder);
    }

    private int[] Unmasked(int client, MaskSet masks)
    {
        var format = LaneFormat.For(federation.Parameters.SumBits);
        var lanes = new uint[federation.Parameters.VectorLength];
        format.AddTo(lanes, Uploads[client].Payload.Span);
        masks.ApplyTo(lanes, 1);
        return [.. lanes.Select(format.Signed)];
    }

    public void Dispose() => Array.ForEach(Clients, client => client.Dispose());
}
