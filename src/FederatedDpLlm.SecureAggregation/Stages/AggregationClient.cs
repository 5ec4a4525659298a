using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// A hospital's side of one round: advertise keys, share secrets, upload the masked update, confirm the survivors, unmask.
/// References: Bonawitz et al., CCS 2017; Bell et al., CCS 2020 (sparse graph, consistency against a lying coordinator).
/// The coordinator may be malicious: the client trusts the roster's keys and its own memory, nothing else. Every step gives a
/// <see cref="PendingRelease{TMessage}"/>, to be stored before it is sent; a step taken again with the same input repeats its message, with another
/// input it is refused. After a refusal the round is over for this client.
/// </summary>
public sealed class AggregationClient : IDisposable
{
    private readonly RoundParameters _parameters;
    private readonly HospitalIdentity _identity;
    private readonly ISecureRandom _random;
    private readonly ClientMemory _memory;
    private readonly MaskSeed _maskSeed;
    private readonly HybridKeyPair _channel;

    /// <summary>Begins a round with fresh secrets. Whoever uploads noisy updates joins by <see cref="Quantization.QuantizationPlan.Join"/>, which checks that the round keeps the plan.</summary>
    /// <param name="parameters">What all parties agreed on.</param>
    /// <param name="self">This client's place on the roster.</param>
    /// <param name="identity">The key that stands at that place.</param>
    /// <param name="random">The source of secrets.</param>
    public AggregationClient(RoundParameters parameters, int self, HospitalIdentity identity, ISecureRandom random)
        : this(parameters, identity, random, ClientMemory.Create(parameters, self, random))
    {
    }

    private AggregationClient(RoundParameters parameters, HospitalIdentity identity, ISecureRandom random, ClientMemory memory)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (!parameters.KeyOf(memory.Self).SequenceEqual(identity.PublicKey.Span))
        {
            throw new ArgumentException("The identity is not the one that stands at this place of the roster.", nameof(identity));
        }

        (_parameters, _identity, _random, _memory) = (parameters, identity, random, memory);
        _maskSeed = new MaskSeed(memory.Seed, parameters.Digest, memory.Self);
        _channel = new HybridKeyPair(memory.ChannelSeed);
    }

    /// <summary>How far this client is.</summary>
    public ClientStage Stage => _memory.Stage;

    /// <summary>This client's place on the roster.</summary>
    public int Self => _memory.Self;

    /// <summary>Takes up a round after a crash, from the latest snapshot that was stored.</summary>
    /// <exception cref="ArgumentException">The snapshot is not one of this round.</exception>
    public static AggregationClient Restore(ReadOnlySpan<byte> snapshot, RoundParameters parameters, HospitalIdentity identity, ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return ClientMemory.TryDecode(snapshot) is { } memory && memory.Fits(parameters)
            ? new AggregationClient(parameters, identity, random, memory)
            : throw new ArgumentException("The snapshot is not one of this round.", nameof(snapshot));
    }

    /// <summary>Stage 0: the two public keys, signed.</summary>
    public Outcome<PendingRelease<ReadOnlyMemory<byte>>> Advertise()
    {
        if (Stage == ClientStage.Fresh && _parameters.IsDealer(Self))
        {
            byte[] body = [.. _channel.PublicKey, .. _parameters.Mode == AggregationMode.Committee ? CommitteeStep.Commit(_memory, _parameters) : _maskSeed.PublicKey];
            _memory.LastMessage = [SignedFrame.Seal(MessageKind.Advertisement, _parameters, Self, _identity, body)];
            _memory.Stage = ClientStage.Advertised;
        }

        return Stage == ClientStage.Advertised ? Pending() : Refuse(RefusalCode.WrongStage);
    }

    /// <summary>Stage 1: checks everybody's advertisement and deals this client's two secrets to its neighbours.</summary>
    public Outcome<PendingRelease<KeySharing>> ShareKeys(IReadOnlyList<ReadOnlyMemory<byte>> advertisements)
    {
        ArgumentNullException.ThrowIfNull(advertisements);
        if (Stage is not (ClientStage.Advertised or ClientStage.Shared))
        {
            return Outcome<PendingRelease<KeySharing>>.Refused(RefusalCode.WrongStage);
        }

        var read = AdvertisementBook.Read(advertisements, _parameters);
        if (!read.IsAccepted)
        {
            return Outcome<PendingRelease<KeySharing>>.Refused(read.Refusal);
        }

        if (Stage == ClientStage.Shared)
        {
            return read.Value.Digest.AsSpan().SequenceEqual(_memory.Advertisements)
                ? Outcome<PendingRelease<KeySharing>>.Accepted(new(_memory.Encode(), LastSharing()))
                : Outcome<PendingRelease<KeySharing>>.Refused(RefusalCode.AlreadyDecided);
        }

        if (!read.Value.Contains(_memory.LastMessage[0], Self))
        {
            return Outcome<PendingRelease<KeySharing>>.Refused(RefusalCode.Equivocation);
        }

        var dealt = _parameters.Mode == AggregationMode.Committee
            ? CommitteeStep.Deal(_memory, read.Value, _parameters, _identity, _random)
            : SharingStep.Deal(_memory, _maskSeed, read.Value, _parameters, _identity, _random);
        if (dealt is { } refusal)
        {
            return Outcome<PendingRelease<KeySharing>>.Refused(refusal);
        }

        _memory.Stage = ClientStage.Shared;
        return Outcome<PendingRelease<KeySharing>>.Accepted(new(_memory.Encode(), LastSharing()));
    }

    /// <summary>Stage 2: takes the neighbours' shares and uploads the masked update.</summary>
    /// <param name="sharings">What the coordinator relayed, one for each neighbour that dealt.</param>
    /// <param name="values">The quantised update, <see cref="RoundParameters.VectorLength"/> values of <see cref="RoundParameters.ValueBits"/> bits.</param>
    /// <param name="workers">How many threads mask.</param>
    public Outcome<PendingRelease<MaskedUpload>> Upload(IReadOnlyList<RelayedSharing> sharings, ReadOnlyMemory<int> values, int workers = 1)
    {
        ArgumentNullException.ThrowIfNull(sharings);
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, _parameters.VectorLength);
        var isFirstMessage = Stage == ClientStage.Fresh && !_parameters.IsDealer(Self);
        if (Stage is not (ClientStage.Shared or ClientStage.Uploaded) && !isFirstMessage)
        {
            return Outcome<PendingRelease<MaskedUpload>>.Refused(RefusalCode.WrongStage);
        }

        var hidden = _parameters.Mode == AggregationMode.Committee ? EncryptToCommittee(sharings, values, workers) : Hide(sharings, values, workers);
        if (!hidden.IsAccepted)
        {
            return Outcome<PendingRelease<MaskedUpload>>.Refused(hidden.Refusal);
        }

        var (payload, keyHash) = (hidden.Value.Payload, hidden.Value.KeyHash);
        var header = SignedFrame.Seal(MessageKind.Upload, _parameters, Self, _identity, UploadBody.Of(payload, workers, keyHash).Encode());
        var leaf = MerkleTree.HashLeaf(header);
        if (Stage == ClientStage.Uploaded && !leaf.AsSpan().SequenceEqual(_memory.UploadLeaf))
        {
            // Two updates under the same masks would give their difference away.
            CryptographicOperations.ZeroMemory(payload);
            return Outcome<PendingRelease<MaskedUpload>>.Refused(RefusalCode.AlreadyDecided);
        }

        (_memory.UploadLeaf, _memory.LastMessage, _memory.Stage) = (leaf, [header], ClientStage.Uploaded);
        return Outcome<PendingRelease<MaskedUpload>>.Accepted(new(_memory.Encode(), new MaskedUpload(header, payload)));
    }

    /// <summary>Stage 3: checks that the survivor set is large enough and holds this client's own upload, and signs it.</summary>
    public Outcome<PendingRelease<ReadOnlyMemory<byte>>> Confirm(AnnouncedSurvivors announced)
    {
        ArgumentNullException.ThrowIfNull(announced);
        if (Stage is not (ClientStage.Uploaded or ClientStage.Confirmed) || !_parameters.IsDealer(Self))
        {
            return Refuse(RefusalCode.WrongStage);
        }

        if (Stage == ClientStage.Confirmed)
        {
            return announced.Announcement.Span.SequenceEqual(_memory.Announcement) ? Pending() : Refuse(RefusalCode.AlreadyDecided);
        }

        if (SurvivorAnnouncement.TryDecode(announced.Announcement.Span, _parameters) is not { } announcement)
        {
            return Refuse(RefusalCode.Malformed);
        }

        if (SurvivorCheck.Check(_memory, announcement, announced.InclusionProof, _parameters) is { } refusal)
        {
            return Outcome<PendingRelease<ReadOnlyMemory<byte>>>.Refused(refusal);
        }

        if (_parameters.Mode == AggregationMode.Committee)
        {
            var sum = CommitteeStep.Add(announcement, announced.Ciphertexts, _memory.CommitteeKeyDigest, _parameters);
            if (!sum.IsAccepted)
            {
                return Outcome<PendingRelease<ReadOnlyMemory<byte>>>.Refused(sum.Refusal);
            }

            _memory.CommitteeSum = sum.Value;
        }

        _memory.Announcement = announced.Announcement.ToArray();
        _memory.LastMessage = [SignedFrame.Seal(MessageKind.Confirmation, _parameters, Self, _identity, announcement.Digest(_parameters))];
        // The upload is never repeated from here on: whoever takes this client over later shall not find what masked it.
        _memory.ForgetMasks();
        _memory.Stage = ClientStage.Confirmed;
        return Pending();
    }

    /// <summary>
    /// Stage 4: releases, for every neighbour that dealt, a share of its self-mask if it survived or of its seed if it did not; never both, since the one
    /// survivor set that this client signed decides. Refused unless a threshold of this client's neighbours signed the same set.
    /// </summary>
    public Outcome<PendingRelease<ReadOnlyMemory<byte>>> Unmask(IReadOnlyList<ReadOnlyMemory<byte>> confirmations)
    {
        ArgumentNullException.ThrowIfNull(confirmations);
        if (Stage == ClientStage.Unmasked)
        {
            return Pending();
        }

        if (Stage != ClientStage.Confirmed)
        {
            return Refuse(RefusalCode.WrongStage);
        }

        var announcement = SurvivorAnnouncement.TryDecode(_memory.Announcement, _parameters)!;
        IReadOnlyCollection<int> neighbours = _parameters.Mode == AggregationMode.Committee ? _memory.Members : _memory.Held.Keys;
        if (ConfirmationQuorum.Check(confirmations, announcement, neighbours, _parameters) is { } refusal)
        {
            return Outcome<PendingRelease<ReadOnlyMemory<byte>>>.Refused(refusal);
        }

        byte[] body = _parameters.Mode == AggregationMode.Committee
            ? [.. announcement.Digest(_parameters), .. CommitteeStep.Answer(_memory, _parameters, _random)]
            : ReleasedShares(announcement);
        _memory.LastMessage = [SignedFrame.Seal(MessageKind.Unmasking, _parameters, Self, _identity, body)];
        // What was not released is forgotten: a later compromise of this client cannot release it.
        _memory.Forget();
        (_memory.CommitteeShare, _memory.CommitteeSum) = ([], []);
        _memory.Stage = ClientStage.Unmasked;
        return Pending();
    }

    /// <summary>Wipes this client's secrets.</summary>
    public void Dispose()
    {
        _memory.Dispose();
        _maskSeed.Dispose();
        _channel.Dispose();
    }

    private static Outcome<PendingRelease<ReadOnlyMemory<byte>>> Refuse(RefusalCode code) => Outcome<PendingRelease<ReadOnlyMemory<byte>>>.Refused(code);

    private Outcome<PendingRelease<ReadOnlyMemory<byte>>> Pending() =>
        Outcome<PendingRelease<ReadOnlyMemory<byte>>>.Accepted(new(_memory.Encode(), _memory.LastMessage[0]));

    private byte[] ReleasedShares(SurvivorAnnouncement announcement)
    {
        var released = _memory.Held.ToDictionary(held => held.Key, held => announcement.Includes(held.Key) ? held.Value.SelfMask : held.Value.Seed);
        return new UnmaskingBody(announcement.Digest(_parameters), released).Encode();
    }

    private Outcome<HiddenUpdate> Hide(IReadOnlyList<RelayedSharing> sharings, ReadOnlyMemory<int> values, int workers) =>
        Stage == ClientStage.Shared && SharingStep.Accept(_memory, _maskSeed, _channel, sharings, _parameters) is { } refusal
            ? Outcome<HiddenUpdate>.Refused(refusal)
            : Outcome<HiddenUpdate>.Accepted(new HiddenUpdate(UploadStep.Hide(_memory, values, _parameters, workers), []));

    // The key is not kept: a repeated upload reads it again, and is refused where it is another one, since the header then differs.
    private Outcome<HiddenUpdate> EncryptToCommittee(IReadOnlyList<RelayedSharing> sharings, ReadOnlyMemory<int> values, int workers)
    {
        var share = _memory.CommitteeShare;
        var accepted = CommitteeStep.Accept(_memory, _channel, sharings, _parameters);
        if (!accepted.IsAccepted)
        {
            return Outcome<HiddenUpdate>.Refused(accepted.Refusal);
        }

        using var key = accepted.Value.PublicKey;
        var (payload, keyHash) = UploadStep.EncryptToCommittee(_memory, accepted.Value, values, _parameters, workers);
        if (Stage == ClientStage.Uploaded)
        {
            _memory.CommitteeShare = share;
        }
        else
        {
            _memory.CommitteeKeyDigest = accepted.Value.Digest;
        }

        return Outcome<HiddenUpdate>.Accepted(new HiddenUpdate(payload, keyHash));
    }

    private KeySharing LastSharing() =>
        new(_memory.LastMessage[0], [.. _memory.LastMessage.Skip(1).Select(envelope => (ReadOnlyMemory<byte>)envelope)]);

    private sealed record HiddenUpdate(byte[] Payload, byte[] KeyHash);
}
