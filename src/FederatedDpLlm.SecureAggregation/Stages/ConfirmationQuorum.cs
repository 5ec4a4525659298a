using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The quorum that makes equivocation fail: a threshold of a client's neighbours signed the survivor set that the client itself signed.</summary>
internal static class ConfirmationQuorum
{
    /// <summary>Null where the quorum stands. Confirmations of others than <paramref name="neighbours"/> are not needed and not looked at.</summary>
    public static Refusal? Check(
        IReadOnlyList<ReadOnlyMemory<byte>> confirmations, SurvivorAnnouncement announcement, IReadOnlyCollection<int> neighbours, RoundParameters parameters)
    {
        var digest = announcement.Digest(parameters);
        var signers = new HashSet<int>();
        foreach (var bytes in confirmations)
        {
            // A signature costs 40 us: those of clients that are nobody's neighbours here are not looked at.
            if (SignedFrame.ClaimedSender(bytes.Span) is not { } claimed || !neighbours.Contains(claimed))
            {
                continue;
            }

            // What is broken counts for nothing: one frame that was damaged on its way must not cost a quorum that stands without it.
            var opened = SignedFrame.Open(bytes, MessageKind.Confirmation, parameters);
            if (!opened.IsAccepted)
            {
                continue;
            }

            if (!opened.Value.Body.SequenceEqual(digest))
            {
                return new Refusal(RefusalCode.Equivocation);
            }

            if (announcement.Includes(opened.Value.Sender))
            {
                signers.Add(opened.Value.Sender);
            }
        }

        return signers.Count >= parameters.Sharing.Threshold ? null : new Refusal(RefusalCode.BelowThreshold);
    }
}
