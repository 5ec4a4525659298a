using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The dealing of a client's secrets to its neighbours, and the taking of theirs.</summary>
internal static class SharingStep
{
    /// <summary>Fills the memory's last message with the sharing; a refusal where somebody advertised a malformed key.</summary>
    public static Refusal? Deal(
        ClientMemory memory, MaskSeed maskSeed, AdvertisementBook book, RoundParameters parameters, HospitalIdentity identity, ISecureRandom random)
    {
        var self = memory.Self;
        var holders = book.Graph.HoldersOf(self);
        if (holders.Length < parameters.Sharing.Threshold)
        {
            return new Refusal(RefusalCode.BelowThreshold);
        }

        var points = SharingBody.PointsOf(holders);
        var (seedShares, seedCommitments) = VerifiableSecretSharing.Deal(memory.Seed, parameters.Sharing.Threshold, points, random);
        var (maskShares, maskCommitments) = VerifiableSecretSharing.Deal(memory.SelfMask, parameters.Sharing.Threshold, points, random);
        var binding = SHA256.HashData(SharingBody.EncodeCommitments(book.Digest, seedCommitments, maskCommitments));
        var envelopes = new List<byte[]>(holders.Length);
        for (var i = 0; i < holders.Length; i++)
        {
            if (holders[i] == self)
            {
                memory.Held[self] = (seedShares[i], maskShares[i]);
                continue;
            }

            var context = new EnvelopeContext(parameters, book.Digest, binding, self, holders[i]);
            if (Envelope(context, memory, maskSeed, book, seedShares[i], maskShares[i], random) is not { } envelope)
            {
                return new Refusal(RefusalCode.BadKey, holders[i]);
            }

            envelopes.Add(envelope);
        }

        var body = new SharingBody(book.Digest, seedCommitments, maskCommitments, [.. envelopes.Select(SHA256.HashData)], binding);
        memory.LastMessage = [SignedFrame.Seal(MessageKind.Sharing, parameters, self, identity, body.Encode()), .. envelopes];
        (memory.Advertisements, memory.Members) = (book.Digest, book.Members);
        Array.Clear(seedShares);
        Array.Clear(maskShares);
        return null;
    }

    /// <summary>Checks and keeps the shares that neighbours dealt, and agrees on the masks with them.</summary>
    public static Refusal? Accept(
        ClientMemory memory, MaskSeed maskSeed, HybridKeyPair channel, IReadOnlyList<RelayedSharing> sharings, RoundParameters parameters)
    {
        var graph = SharingGraph.Build(parameters.Clients, memory.Members, parameters.Sharing, memory.Advertisements);
        var accepted = new Dictionary<int, AcceptedShares>();
        foreach (var sharing in sharings)
        {
            var opened = SignedFrame.Open(sharing.Frame, MessageKind.Sharing, parameters);
            if (!opened.IsAccepted)
            {
                return opened.Refusal;
            }

            if (!graph.AreNeighbours(memory.Self, opened.Value.Sender))
            {
                return new Refusal(RefusalCode.UnknownSender);
            }

            if (accepted.ContainsKey(opened.Value.Sender))
            {
                return new Refusal(RefusalCode.Replayed);
            }

            var one = Check(memory, maskSeed, channel, graph, opened.Value, sharing.Envelope.Span, parameters);
            if (!one.IsAccepted)
            {
                return one.Refusal;
            }

            accepted[opened.Value.Sender] = one.Value;
        }

        if (accepted.Count + (parameters.Sharing.IsComplete ? 1 : 0) < parameters.Sharing.Threshold)
        {
            return new Refusal(RefusalCode.BelowThreshold);
        }

        Keep(memory, accepted);
        return null;
    }

    private static Outcome<AcceptedShares> Check(
        ClientMemory memory, MaskSeed maskSeed, HybridKeyPair channel, SharingGraph graph, SignedFrame frame, ReadOnlySpan<byte> envelope, RoundParameters parameters)
    {
        var (self, dealer) = (memory.Self, frame.Sender);
        if (SharingBody.TryDecode(frame.Body, dealer, graph, reader: self) is not { } body)
        {
            return Outcome<AcceptedShares>.Refused(RefusalCode.Malformed, dealer);
        }

        if (!body.Advertisements.AsSpan().SequenceEqual(memory.Advertisements))
        {
            return Outcome<AcceptedShares>.Refused(RefusalCode.Equivocation);
        }

        if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(envelope), body.EnvelopeHashes[PlaceAmongNeighbours(graph, dealer, self)]))
        {
            return Outcome<AcceptedShares>.Refused(RefusalCode.PayloadMismatch);
        }

        // The dealer signed the envelope: from here on every fault is its own.
        var context = new EnvelopeContext(parameters, memory.Advertisements, body.Binding, dealer, self);
        var key = new byte[CounterKeystream.KeySizeBytes];
        var valid = ShareEnvelope.TryOpen(context, envelope, channel, out var seed, out var selfMask)
            && body.Seed.Admits(seed)
            && body.SelfMask.Admits(selfMask)
            && (dealer > self || maskSeed.TryDecapsulate(dealer, ShareEnvelope.MaskCiphertext(envelope, dealer, self), memory.Advertisements, key));
        return valid
            ? Outcome<AcceptedShares>.Accepted(new AcceptedShares(seed, selfMask, dealer < self ? key : null))
            : Outcome<AcceptedShares>.Refused(RefusalCode.BadShare, dealer);
    }

    // All or nothing, so that a refused set leaves no trace.
    private static void Keep(ClientMemory memory, Dictionary<int, AcceptedShares> accepted)
    {
        foreach (var dealer in memory.Held.Keys.Where(dealer => dealer != memory.Self).ToList())
        {
            memory.Held.Remove(dealer);
        }

        foreach (var (dealer, shares) in accepted)
        {
            memory.Held[dealer] = (shares.Seed, shares.SelfMask);
            if (shares.EdgeKey is { } key)
            {
                memory.EdgeKeys[dealer] = key;
            }
        }
    }

    private static byte[]? Envelope(
        EnvelopeContext context, ClientMemory memory, MaskSeed maskSeed, AdvertisementBook book, in SecretShare seed, in SecretShare selfMask, ISecureRandom random)
    {
        var other = context.To;
        Span<byte> coins = stackalloc byte[HybridKeyPair.CoinsSizeBytes];
        Span<byte> channelSecret = stackalloc byte[HybridKeyPair.SharedSecretSizeBytes];
        Span<byte> channelCiphertext = stackalloc byte[HybridKeyPair.CiphertextSizeBytes];
        Span<byte> maskCiphertext = stackalloc byte[context.From < other ? HybridKeyPair.CiphertextSizeBytes : 0];
        random.Fill(coins);
        var valid = HybridKeyPair.TryEncapsulate(book.ChannelKeyOf(other), coins, channelCiphertext, channelSecret);
        if (valid && context.From < other)
        {
            var key = new byte[CounterKeystream.KeySizeBytes];
            valid = maskSeed.TryEncapsulate(other, book.MaskKeyOf(other), book.Digest, maskCiphertext, key);
            memory.EdgeKeys[other] = key;
        }

        var envelope = valid ? ShareEnvelope.Seal(context, channelCiphertext, channelSecret, maskCiphertext, seed, selfMask) : null;
        CryptographicOperations.ZeroMemory(coins);
        CryptographicOperations.ZeroMemory(channelSecret);
        return envelope;
    }

    /// <summary>Which of a dealer's envelopes is for a neighbour.</summary>
    internal static int PlaceAmongNeighbours(SharingGraph graph, int dealer, int neighbour)
    {
        var place = 0;
        foreach (var holder in graph.HoldersOf(dealer))
        {
            if (holder == neighbour)
            {
                return place;
            }

            place += holder == dealer ? 0 : 1;
        }

        throw new ArgumentException("No neighbour of the dealer.", nameof(neighbour));
    }

    private sealed record AcceptedShares(SecretShare Seed, SecretShare SelfMask, byte[]? EdgeKey);
}
