using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>All advertisements of a round, checked, and the graph that follows from their digest.</summary>
internal sealed class AdvertisementBook
{
    /// <summary>A channel key and a mask key.</summary>
    public const int BodySizeBytes = 2 * HybridKeyPair.PublicKeySizeBytes;

    /// <summary>In the committee mode, a channel key and a commitment to the member's part of the committee's key.</summary>
    public const int CommitteeBodySizeBytes = HybridKeyPair.PublicKeySizeBytes + 32;

    private readonly Dictionary<int, SignedFrame> _frames;

    private AdvertisementBook(Dictionary<int, SignedFrame> frames, RoundParameters parameters)
    {
        _frames = frames;
        Members = [.. frames.Keys.Order()];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(parameters.Digest);
        foreach (var member in Members)
        {
            hash.AppendData(SHA256.HashData(frames[member].Bytes.Span));
        }

        Digest = hash.GetHashAndReset();
        Graph = SharingGraph.Build(parameters.Clients, Members, parameters.Sharing, Digest);
    }

    public int[] Members { get; }

    public byte[] Digest { get; }

    public SharingGraph Graph { get; }

    public static Outcome<AdvertisementBook> Read(IReadOnlyList<ReadOnlyMemory<byte>> advertisements, RoundParameters parameters)
    {
        var frames = new Dictionary<int, SignedFrame>();
        foreach (var bytes in advertisements)
        {
            var opened = Open(bytes, parameters);
            if (!opened.IsAccepted)
            {
                return Outcome<AdvertisementBook>.Refused(opened.Refusal);
            }

            if (!frames.TryAdd(opened.Value.Sender, opened.Value))
            {
                return Outcome<AdvertisementBook>.Refused(RefusalCode.Replayed);
            }
        }

        return frames.Count < parameters.FewestDealers
            ? Outcome<AdvertisementBook>.Refused(RefusalCode.TooFewSurvivors)
            : Outcome<AdvertisementBook>.Accepted(new AdvertisementBook(frames, parameters));
    }

    public static Outcome<SignedFrame> Open(ReadOnlyMemory<byte> bytes, RoundParameters parameters)
    {
        var opened = SignedFrame.Open(bytes, MessageKind.Advertisement, parameters);
        if (opened.IsAccepted && !parameters.IsDealer(opened.Value.Sender))
        {
            return Outcome<SignedFrame>.Refused(RefusalCode.UnknownSender);
        }

        return opened.IsAccepted && opened.Value.Body.Length != (parameters.Mode == AggregationMode.Committee ? CommitteeBodySizeBytes : BodySizeBytes)
            ? Outcome<SignedFrame>.Refused(RefusalCode.Malformed, opened.Value.Sender)
            : opened;
    }

    public bool Contains(ReadOnlySpan<byte> frame, int sender) => _frames.TryGetValue(sender, out var own) && own.Bytes.Span.SequenceEqual(frame);

    public ReadOnlySpan<byte> ChannelKeyOf(int client) => _frames[client].Body[..HybridKeyPair.PublicKeySizeBytes];

    public ReadOnlySpan<byte> MaskKeyOf(int client) => _frames[client].Body[HybridKeyPair.PublicKeySizeBytes..];

    /// <summary>In the committee mode, what every member committed to.</summary>
    public CommittedParts CommittedParts() => new([.. Members.Select(member => (member, _frames[member].Body[HybridKeyPair.PublicKeySizeBytes..].ToArray()))]);
}
