using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A sharing as the coordinator keeps it: checked as far as somebody can who cannot open envelopes.</summary>
internal sealed record DealtSharing(int Dealer, SharingBody Body, ReadOnlyMemory<byte> Frame, IReadOnlyList<ReadOnlyMemory<byte>> Envelopes)
{
    public static Outcome<DealtSharing> Read(KeySharing message, AdvertisementBook book, RoundParameters parameters)
    {
        var opened = SignedFrame.Open(message.Frame, MessageKind.Sharing, parameters);
        if (!opened.IsAccepted)
        {
            return Outcome<DealtSharing>.Refused(opened.Refusal);
        }

        var dealer = opened.Value.Sender;
        if (Array.BinarySearch(book.Members, dealer) < 0)
        {
            return Outcome<DealtSharing>.Refused(RefusalCode.UnknownSender);
        }

        if (SharingBody.TryDecode(opened.Value.Body, dealer, book.Graph) is not { } body)
        {
            return Outcome<DealtSharing>.Refused(RefusalCode.Malformed, dealer);
        }

        if (!body.Advertisements.AsSpan().SequenceEqual(book.Digest))
        {
            return Outcome<DealtSharing>.Refused(RefusalCode.Equivocation, dealer);
        }

        if (!EnvelopesMatch(message, body, dealer, book.Graph))
        {
            return Outcome<DealtSharing>.Refused(RefusalCode.PayloadMismatch);
        }

        // Every holder sees that its own share is the committed one; whether all lie on one polynomial only the coordinator sees, and only before anything is
        // released does it come in time.
        return IsRestorable(body.Seed, "seed"u8) && IsRestorable(body.SelfMask, "self-mask"u8)
            ? Outcome<DealtSharing>.Accepted(new DealtSharing(dealer, body, message.Frame, message.Envelopes))
            : Outcome<DealtSharing>.Refused(RefusalCode.BadShare, dealer);

        bool IsRestorable(ShareCommitments commitments, ReadOnlySpan<byte> purpose) => commitments.HaveDegreeBelow(parameters.Sharing.Threshold, [.. purpose, .. body.Binding]);
    }

    public RelayedSharing For(int reader, SharingGraph graph) => new(Frame, EnvelopeFor(reader, graph));

    public ReadOnlyMemory<byte> EnvelopeFor(int reader, SharingGraph graph) => Envelopes[SharingStep.PlaceAmongNeighbours(graph, Dealer, reader)];

    private static bool EnvelopesMatch(KeySharing message, SharingBody body, int dealer, SharingGraph graph)
    {
        if (message.Envelopes.Count != body.EnvelopeHashes.Count)
        {
            return false;
        }

        var place = 0;
        foreach (var holder in graph.HoldersOf(dealer))
        {
            if (holder == dealer)
            {
                continue;
            }

            var envelope = message.Envelopes[place].Span;
            if (envelope.Length != ShareEnvelope.SizeBytes(dealer, holder) || !SHA256.HashData(envelope).AsSpan().SequenceEqual(body.EnvelopeHashes[place]))
            {
                return false;
            }

            place++;
        }

        return true;
    }
}
