using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a client does in the committee mode where the other modes share seeds and release shares.</summary>
internal static class CommitteeStep
{
    /// <summary>What a member commits to when it advertises: its part of the committee's key.</summary>
    public static byte[] Commit(ClientMemory memory, RoundParameters parameters)
    {
        using var dealing = Dealing(memory, parameters);
        return CommittedParts.Commit(parameters, memory.Self, dealing.PublicPart);
    }

    /// <summary>A member's sharing, as the memory's last message; a refusal where somebody advertised a malformed key.</summary>
    public static Refusal? Deal(ClientMemory memory, AdvertisementBook book, RoundParameters parameters, HospitalIdentity identity, ISecureRandom random)
    {
        using var dealing = Dealing(memory, parameters);
        var body = new CommitteeSharingBody(book.Digest, book.CommittedParts(), dealing.PublicPart, []);
        var envelopes = new List<byte[]>();
        foreach (var other in book.Members.Where(member => member != memory.Self))
        {
            var share = dealing.ShareAt(SharingBody.PointOf(other));
            var context = new EnvelopeContext(parameters, book.Digest, body.Binding, memory.Self, other);
            var envelope = CommitteeEnvelope.Seal(context, book.ChannelKeyOf(other), share, random);
            CryptographicOperations.ZeroMemory(share);
            if (envelope is null)
            {
                return new Refusal(RefusalCode.BadKey, other);
            }

            envelopes.Add(envelope);
        }

        body = body with { EnvelopeHashes = [.. envelopes.Select(SHA256.HashData)] };
        memory.LastMessage = [SignedFrame.Seal(MessageKind.Sharing, parameters, memory.Self, identity, body.Encode()), .. envelopes];
        (memory.Advertisements, memory.Members) = (book.Digest, book.Members);
        return null;
    }

    /// <summary>Checks the members' sharings and gives their key; a member also adds up the shares dealt to it. A refused set leaves no trace.</summary>
    public static Outcome<CommitteeKey> Accept(ClientMemory memory, HybridKeyPair channel, IReadOnlyList<RelayedSharing> sharings, RoundParameters parameters)
    {
        var opened = new List<(int Dealer, CommitteeSharingBody Body, ReadOnlyMemory<byte> Frame)>();
        var envelopes = new Dictionary<int, ReadOnlyMemory<byte>>();
        foreach (var sharing in sharings)
        {
            var frame = SignedFrame.Open(sharing.Frame, MessageKind.Sharing, parameters);
            if (!frame.IsAccepted)
            {
                return Outcome<CommitteeKey>.Refused(frame.Refusal);
            }

            var dealer = frame.Value.Sender;
            if (!parameters.IsDealer(dealer))
            {
                return Outcome<CommitteeKey>.Refused(RefusalCode.UnknownSender);
            }

            if (CommitteeSharingBody.TryDecode(frame.Value.Body, parameters) is not { } body)
            {
                return Outcome<CommitteeKey>.Refused(RefusalCode.Malformed, dealer);
            }

            opened.Add((dealer, body, sharing.Frame));
            envelopes[dealer] = sharing.Envelope;
        }

        var read = CommitteeKey.Read(opened, parameters);
        if (!read.IsAccepted || !parameters.IsDealer(memory.Self))
        {
            return read;
        }

        if (!read.Value.Advertisements.AsSpan().SequenceEqual(memory.Advertisements))
        {
            return Outcome<CommitteeKey>.Refused(RefusalCode.Equivocation);
        }

        return AddShares(memory, channel, opened.Select(one => (one.Dealer, one.Body, envelopes[one.Dealer])), parameters) is { } refusal
            ? Outcome<CommitteeKey>.Refused(refusal)
            : read;
    }

    /// <summary>
    /// Checks that the ciphertexts shown are those of the announced uploads, made for the key that this member has a share of, and adds up what it will
    /// answer: a coordinator that wants one client's key decrypted would have to show its ciphertext alone, and the announcement counts the survivors.
    /// </summary>
    public static Outcome<byte[]> Add(SurvivorAnnouncement announcement, IReadOnlyList<CommitteeCiphertext> ciphertexts, ReadOnlySpan<byte> keyDigest, RoundParameters parameters)
    {
        if (ciphertexts.Count != announcement.Survivors.Count)
        {
            return Outcome<byte[]>.Refused(RefusalCode.Equivocation);
        }

        var sum = new CiphertextSum(elements: 1);
        var leaves = new byte[ciphertexts.Count][];
        for (var i = 0; i < leaves.Length; i++)
        {
            var opened = SignedFrame.Open(ciphertexts[i].Header, MessageKind.Upload, parameters);
            if (!opened.IsAccepted)
            {
                return Outcome<byte[]>.Refused(opened.Refusal);
            }

            var body = UploadBody.TryDecode(opened.Value.Body);
            if (opened.Value.Sender != announcement.Survivors[i] || body is null)
            {
                return Outcome<byte[]>.Refused(RefusalCode.Equivocation);
            }

            if (!CommitteeKey.Bind(keyDigest, ciphertexts[i].SecondPart.Span).AsSpan().SequenceEqual(body.KeyHash) || !sum.TryAdd(ciphertexts[i].SecondPart))
            {
                return Outcome<byte[]>.Refused(RefusalCode.PayloadMismatch);
            }

            leaves[i] = MerkleTree.HashLeaf(ciphertexts[i].Header.Span);
        }

        if (!MerkleTree.Root(leaves).AsSpan().SequenceEqual(announcement.UploadRoot.Span))
        {
            return Outcome<byte[]>.Refused(RefusalCode.Equivocation);
        }

        using var total = new RingElement();
        sum.Read(0, total);
        return Outcome<byte[]>.Accepted(total.ToBytes());
    }

    /// <summary>The one answer of this member in this round.</summary>
    public static byte[] Answer(ClientMemory memory, RoundParameters parameters, ISecureRandom random)
    {
        Span<byte> seed = stackalloc byte[CounterKeystream.KeySizeBytes];
        random.Fill(seed);
        using var flooding = new KeystreamWords(seed);
        CryptographicOperations.ZeroMemory(seed);
        using var share = RingElement.TryRead(memory.CommitteeShare)!;
        using var total = RingElement.TryRead(memory.CommitteeSum)!;
        return CommitteeEncryption.Answer(CommitteeKey.ParametersOf(parameters), total, share, flooding);
    }

    private static Refusal? AddShares(
        ClientMemory memory, HybridKeyPair channel, IEnumerable<(int Dealer, CommitteeSharingBody Body, ReadOnlyMemory<byte> Envelope)> sharings, RoundParameters parameters)
    {
        var sum = new CiphertextSum(elements: 1);
        foreach (var (dealer, body, envelope) in sharings)
        {
            byte[]? share;
            if (dealer == memory.Self)
            {
                using var own = Dealing(memory, parameters);
                share = own.ShareAt(SharingBody.PointOf(memory.Self));
            }
            else
            {
                // The dealer signed the envelope's hash: from here on every fault is its own.
                var place = Array.FindIndex([.. memory.Members.Where(member => member != dealer)], member => member == memory.Self);
                if (place >= body.EnvelopeHashes.Count || !SHA256.HashData(envelope.Span).AsSpan().SequenceEqual(body.EnvelopeHashes[place]))
                {
                    return new Refusal(RefusalCode.PayloadMismatch);
                }

                share = CommitteeEnvelope.TryOpen(new EnvelopeContext(parameters, memory.Advertisements, body.Binding, dealer, memory.Self), envelope.Span, channel);
            }

            var valid = share is not null && sum.TryAdd(share);
            CryptographicOperations.ZeroMemory(share);
            if (!valid)
            {
                return new Refusal(RefusalCode.BadShare, dealer);
            }
        }

        using var total = new RingElement();
        sum.Read(0, total);
        memory.CommitteeShare = total.ToBytes();
        return null;
    }

    private static CommitteeDealing Dealing(ClientMemory memory, RoundParameters parameters)
    {
        var secret = EncryptionSeeds.Secret(memory, [], "committee dealing"u8);
        var dealing = new CommitteeDealing(CommitteeKey.ParametersOf(parameters), EncryptionSeeds.CommitteePublic(parameters), secret);
        CryptographicOperations.ZeroMemory(secret);
        return dealing;
    }
}
