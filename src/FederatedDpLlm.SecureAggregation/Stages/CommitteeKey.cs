using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The committee's public key of one round, from the signed sharings of the members that dealt.</summary>
/// <param name="PublicKey">The sum of their public parts.</param>
/// <param name="Advertisements">The digest of the advertisements that they all answered.</param>
/// <param name="Digest">The hash of all these sharings: two parties with one digest have one key.</param>
internal sealed record CommitteeKey(RingElement PublicKey, byte[] Advertisements, byte[] Digest)
{
    public static CommitteeParameters ParametersOf(RoundParameters parameters) => new(parameters.Dealers, parameters.Sharing.Threshold, parameters.Clients);

    /// <summary>
    /// Checks sharings against each other: at least a threshold of members, each once, that answered the same advertisements, with the parts that they
    /// had committed to there.
    /// </summary>
    public static Outcome<CommitteeKey> Read(IEnumerable<(int Dealer, CommitteeSharingBody Body, ReadOnlyMemory<byte> Frame)> sharings, RoundParameters parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var sum = new CiphertextSum(elements: 1);
        CommitteeSharingBody? first = null;
        var (count, last) = (0, -1);
        foreach (var (dealer, body, frame) in sharings.OrderBy(sharing => sharing.Dealer))
        {
            if (dealer == last)
            {
                return Outcome<CommitteeKey>.Refused(RefusalCode.Replayed);
            }

            first ??= body;
            if (!first.Advertisements.AsSpan().SequenceEqual(body.Advertisements) || !first.Committed.AreSame(body.Committed))
            {
                return Outcome<CommitteeKey>.Refused(RefusalCode.Equivocation);
            }

            if (!body.Committed.Admits(parameters, dealer, body.PublicPart))
            {
                return Outcome<CommitteeKey>.Refused(RefusalCode.BadKey, dealer);
            }

            hash.AppendData(SHA256.HashData(frame.Span));
            _ = sum.TryAdd(body.PublicPart);
            (count, last) = (count + 1, dealer);
        }

        if (count < parameters.Sharing.Threshold)
        {
            return Outcome<CommitteeKey>.Refused(RefusalCode.BelowThreshold);
        }

        var key = new RingElement();
        sum.Read(0, key);
        return Outcome<CommitteeKey>.Accepted(new CommitteeKey(key, first!.Advertisements, hash.GetHashAndReset()));
    }

    /// <summary>What an upload's header says of the part of its ciphertext that the committee answers: for which key it was made, and its hash.</summary>
    public byte[] Bind(ReadOnlySpan<byte> secondPart) => Bind(Digest, secondPart);

    /// <summary>As above, for a key known by its digest.</summary>
    public static byte[] Bind(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> secondPart)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(digest);
        hash.AppendData(secondPart);
        return hash.GetHashAndReset();
    }
}
