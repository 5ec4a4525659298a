using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The coordinator's side of the modes under masks: everybody deals, and shares that are released afterwards restore the masks left on the sum.</summary>
internal sealed class MaskRound(RoundParameters parameters, AdvertisementBook book) : IModeRound
{
    private readonly Dictionary<int, DealtSharing> _sharings = [];
    private readonly Dictionary<int, UnmaskingBody> _released = [];

    public int Dealt => _sharings.Count;

    public IReadOnlyList<CommitteeCiphertext> Ciphertexts => [];

    public Refusal? ReceiveSharing(KeySharing message)
    {
        var read = DealtSharing.Read(message, book, parameters);
        if (!read.IsAccepted)
        {
            return read.Refusal;
        }

        return _sharings.TryAdd(read.Value.Dealer, read.Value) ? null : new Refusal(RefusalCode.Replayed);
    }

    public IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> CloseSharings() => _sharings.Keys.ToDictionary(reader => reader, InboxOf);

    public bool MayUpload(int client) => _sharings.ContainsKey(client);

    public Refusal? CheckUpload(int sender, UploadBody body, ReadOnlySpan<byte> payload) => body.KeyHash.Length == 0 ? null : new Refusal(RefusalCode.Malformed, sender);

    public void Keep(int client, MaskedUpload upload)
    {
    }

    public Refusal? ReceiveUnmasking(int sender, ReadOnlySpan<byte> body, ReadOnlySpan<byte> announcement)
    {
        // One share of everybody who dealt to the sender: what it leaves out, others would have to make up for.
        if (UnmaskingBody.TryDecode(body, sender, parameters) is not { } released || !IsOfEveryDealer(released, sender))
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        if (!announcement.SequenceEqual(released.Announcement))
        {
            return new Refusal(RefusalCode.Equivocation, sender);
        }

        return _released.TryAdd(sender, released) ? null : new Refusal(RefusalCode.Replayed);
    }

    public Outcome<AggregateSum> Open(UpdateSum sum, SurvivorAnnouncement announcement, int workers)
    {
        var unmasking = new UnmaskingStep(parameters, book, _sharings, announcement, _released);
        using var masks = new MaskSet();
        if (unmasking.CollectMasks(masks, workers) is { } refusal)
        {
            return Outcome<AggregateSum>.Refused(refusal);
        }

        return ((SumUnderMasks)sum).Open(masks, announcement.Survivors.Count, book.Digest, workers) is { } values
            ? Outcome<AggregateSum>.Accepted(new AggregateSum(values, announcement.Survivors, unmasking.Blamed))
            : Outcome<AggregateSum>.Refused(RefusalCode.Undecryptable);
    }

    private bool IsOfEveryDealer(UnmaskingBody released, int holder) =>
        released.Shares.Keys.ToHashSet().SetEquals(book.Graph.HoldersOf(holder).ToArray().Where(_sharings.ContainsKey));

    private IReadOnlyList<RelayedSharing> InboxOf(int reader) =>
        [.. _sharings.Values.Where(sharing => book.Graph.AreNeighbours(reader, sharing.Dealer)).OrderBy(sharing => sharing.Dealer).Select(sharing => sharing.For(reader, book.Graph))];
}
