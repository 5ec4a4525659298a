using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The coordinator's side of the committee mode: the members' sharings, the encrypted keys by client, and the members' answers.</summary>
internal sealed class CommitteeRound(RoundParameters parameters, AdvertisementBook book) : IModeRound
{
    private readonly SortedDictionary<int, (CommitteeSharingBody Body, KeySharing Message)> _dealt = [];
    private readonly SortedDictionary<int, CommitteeCiphertext> _ciphertexts = [];
    private readonly Dictionary<int, RingElement> _answers = [];
    private CommitteeKey? _key;

    public int Dealt => _dealt.Count;

    public Refusal? ReceiveSharing(KeySharing message)
    {
        var opened = SignedFrame.Open(message.Frame, MessageKind.Sharing, parameters);
        if (!opened.IsAccepted)
        {
            return opened.Refusal;
        }

        var dealer = opened.Value.Sender;
        if (Array.BinarySearch(book.Members, dealer) < 0)
        {
            return new Refusal(RefusalCode.UnknownSender);
        }

        if (CommitteeSharingBody.TryDecode(opened.Value.Body, parameters) is not { } body || body.EnvelopeHashes.Count != book.Members.Length - 1)
        {
            return new Refusal(RefusalCode.Malformed, dealer);
        }

        if (!body.Advertisements.AsSpan().SequenceEqual(book.Digest) || !body.Committed.AreSame(book.CommittedParts()))
        {
            return new Refusal(RefusalCode.Equivocation, dealer);
        }

        if (!body.Committed.Admits(parameters, dealer, body.PublicPart))
        {
            return new Refusal(RefusalCode.BadKey, dealer);
        }

        var matches = message.Envelopes.Count == body.EnvelopeHashes.Count
            && message.Envelopes.Zip(body.EnvelopeHashes).All(pair => pair.First.Length == CommitteeEnvelope.SizeBytes && SHA256.HashData(pair.First.Span).AsSpan().SequenceEqual(pair.Second));
        if (!matches)
        {
            return new Refusal(RefusalCode.PayloadMismatch);
        }

        return _dealt.TryAdd(dealer, (body, message)) ? null : new Refusal(RefusalCode.Replayed);
    }

    /// <summary>For every member that dealt its envelopes, for every other client the signed parts: all of them, since together they are the key.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> CloseSharings()
    {
        _key = CommitteeKey.Read(_dealt.Select(one => (one.Key, one.Value.Body, one.Value.Message.Frame)), parameters).Required;
        return Enumerable.Range(0, parameters.Clients).Where(MayUpload).ToDictionary(
            reader => reader, reader => (IReadOnlyList<RelayedSharing>)[.. _dealt.Select(one => new RelayedSharing(one.Value.Message.Frame, EnvelopeFor(reader, one.Key)))]);
    }

    /// <summary>Members that dealt, and everybody outside the committee.</summary>
    public bool MayUpload(int client) => parameters.IsDealer(client) ? _dealt.ContainsKey(client) : client < parameters.Clients;

    /// <summary>An upload's encrypted key has to be made for this committee's key.</summary>
    public Refusal? CheckUpload(int sender, UploadBody body, ReadOnlySpan<byte> payload) =>
        _key!.Bind(CommitteeUpdateSum.SecondPart(payload)).AsSpan().SequenceEqual(body.KeyHash) ? null : new Refusal(RefusalCode.Equivocation, sender);

    /// <summary>Keeps what members have to see of an accepted upload.</summary>
    public void Keep(int client, MaskedUpload upload) =>
        _ciphertexts[client] = new CommitteeCiphertext(upload.Header, upload.Payload.Slice(ResidueFormat.ElementSizeBytes, ResidueFormat.ElementSizeBytes).ToArray());

    public IReadOnlyList<CommitteeCiphertext> Ciphertexts => [.. _ciphertexts.Values];

    public Refusal? ReceiveUnmasking(int sender, ReadOnlySpan<byte> body, ReadOnlySpan<byte> announcement)
    {
        if (_answers.ContainsKey(sender))
        {
            return new Refusal(RefusalCode.Replayed);
        }

        if (body.Length != 32 + ResidueFormat.ElementSizeBytes || RingElement.TryRead(body[32..]) is not { } answer)
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        if (!body[..32].SequenceEqual(announcement))
        {
            return new Refusal(RefusalCode.Equivocation, sender);
        }

        _answers[sender] = answer;
        return null;
    }

    /// <summary>Opens the sum by the first threshold of answers that fit together: at most 220 choices, for nine of twelve members.</summary>
    public Outcome<AggregateSum> Open(UpdateSum sum, SurvivorAnnouncement announcement, int workers)
    {
        if (_answers.Count < parameters.Sharing.Threshold)
        {
            return Outcome<AggregateSum>.Refused(RefusalCode.BelowThreshold);
        }

        var (encrypted, survivors) = ((CommitteeUpdateSum)sum, announcement.Survivors);
        var wrong = new List<long[]>();
        foreach (var chosen in Choices([.. _answers.Keys.Order()], parameters.Sharing.Threshold))
        {
            // An answer that is off by a multiple of the plaintext's scale opens to other keys, and these decrypt nothing: no need to try them twice.
            if (encrypted.OpenKeys(ByPoint(chosen), survivors.Count) is not { } keys || wrong.Any(tried => tried.AsSpan().SequenceEqual(keys)))
            {
                continue;
            }

            if (encrypted.Decrypt(keys, survivors.Count, book.Digest, workers) is { } values)
            {
                return Outcome<AggregateSum>.Accepted(new AggregateSum(values, survivors, []) { LeftOut = Unfit(encrypted, chosen, keys, survivors.Count) });
            }

            wrong.Add(keys);
        }

        return Outcome<AggregateSum>.Refused(RefusalCode.Undecryptable);
    }

    private int[] Unfit(CommitteeUpdateSum sum, int[] chosen, long[] keys, int survivors) =>
        [.. _answers.Keys.Except(chosen).Order().Where(other => sum.OpenKeys(ByPoint([.. chosen[..^1], other]), survivors) is not { } found || !found.AsSpan().SequenceEqual(keys))];

    private Dictionary<int, RingElement> ByPoint(IEnumerable<int> members) => members.ToDictionary(SharingBody.PointOf, member => _answers[member]);

    private static IEnumerable<int[]> Choices(int[] members, int count) => count == 0
        ? [[]]
        : Enumerable.Range(0, members.Length - count + 1).SelectMany(first => Choices(members[(first + 1)..], count - 1).Select(rest => (int[])[members[first], .. rest]));

    private ReadOnlyMemory<byte> EnvelopeFor(int reader, int dealer)
    {
        var place = Array.FindIndex([.. book.Members.Where(member => member != dealer)], member => member == reader);
        return reader == dealer || place < 0 ? ReadOnlyMemory<byte>.Empty : _dealt[dealer].Message.Envelopes[place];
    }
}
