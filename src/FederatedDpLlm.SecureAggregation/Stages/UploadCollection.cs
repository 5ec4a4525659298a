using FederatedDpLlm.SecureAggregation.Commitments;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// The uploads of a round: each is checked, added to the sum and forgotten; what is left of it is its leaf. The sum takes its memory with the first upload
/// that is as long as it says, so that parameters alone, which may come from a file, cost none.
/// </summary>
internal sealed class UploadCollection(RoundParameters parameters, int workers)
{
    private readonly long _payloadSizeBytes = UpdateSum.PayloadSizeBytes(parameters);
    private readonly SortedDictionary<int, byte[]> _leaves = [];

    /// <summary>Null before the first upload.</summary>
    public UpdateSum? Sum { get; private set; }

    /// <summary>Whether a sum may be made of what has come.</summary>
    public bool Suffice => _leaves.Count >= parameters.MinimumSurvivors && _leaves.Keys.Count(parameters.IsDealer) >= parameters.Sharing.Threshold;

    /// <summary>Adds an upload whose header is signed; a refusal, with the sum as it was, where it cannot be part of it.</summary>
    public Refusal? Add(SignedFrame header, MaskedUpload upload, IModeRound round)
    {
        var sender = header.Sender;
        if (!round.MayUpload(sender))
        {
            return new Refusal(RefusalCode.UnknownSender);
        }

        if (_leaves.ContainsKey(sender))
        {
            return new Refusal(RefusalCode.Replayed);
        }

        if (UploadBody.TryDecode(header.Body) is not { } body || body.PayloadLength != _payloadSizeBytes)
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        if (upload.Payload.Length != body.PayloadLength || !PayloadHash.Of(upload.Payload, workers).AsSpan().SequenceEqual(body.PayloadHash))
        {
            return new Refusal(RefusalCode.PayloadMismatch);
        }

        if (round.CheckUpload(sender, body, upload.Payload.Span) is { } refusal)
        {
            return refusal;
        }

        Sum ??= UpdateSum.For(parameters);
        if (!Sum.TryAdd(upload.Payload, workers))
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        round.Keep(sender, upload);
        _leaves[sender] = MerkleTree.HashLeaf(upload.Header.Span);
        return null;
    }

    public SurvivorAnnouncement Announce() => new([.. _leaves.Keys], MerkleTree.Root([.. _leaves.Values]));

    /// <summary>For every survivor of the committee, or for all where there is none, the announcement with the proof that its upload is in.</summary>
    public IReadOnlyDictionary<int, AnnouncedSurvivors> Prove(SurvivorAnnouncement announcement, IReadOnlyList<CommitteeCiphertext> ciphertexts)
    {
        byte[][] leaves = [.. _leaves.Values];
        var encoded = announcement.Encode(parameters);
        return announcement.Survivors.Where(parameters.IsDealer).ToDictionary(
            survivor => survivor, survivor => new AnnouncedSurvivors(encoded, MerkleTree.Prove(leaves, announcement.PlaceOf(survivor))) { Ciphertexts = ciphertexts });
    }

    /// <summary>Lets the sum go.</summary>
    public void Clear() => Sum = null;
}
