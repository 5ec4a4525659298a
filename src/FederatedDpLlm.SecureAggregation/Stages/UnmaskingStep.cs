using System.Collections.Concurrent;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// Which masks are still on the sum, from the released shares: every survivor's own, and those between a survivor and a neighbour that dealt and then
/// dropped out. A secret is restored from a threshold of shares and checked against its dealer's commitment; only where that fails are the shares looked
/// at one by one, which names the client that released a wrong one, or the dealer whose commitments contradict each other.
/// </summary>
internal sealed class UnmaskingStep(
    RoundParameters parameters,
    AdvertisementBook book,
    IReadOnlyDictionary<int, DealtSharing> sharings,
    SurvivorAnnouncement announcement,
    IReadOnlyDictionary<int, UnmaskingBody> released)
{
    private readonly ConcurrentDictionary<int, byte> _blamed = [];

    public IReadOnlyList<int> Blamed => [.. _blamed.Keys.Order()];

    /// <summary>Adds, inverted, the masks that the sum carries; a refusal where a secret cannot be restored.</summary>
    public Refusal? CollectMasks(MaskSet masks, int workers)
    {
        var dealers = sharings.Keys.Where(dealer => announcement.Includes(dealer) || SurvivingNeighbours(dealer).Any()).Order().ToArray();
        var results = new Outcome<List<ResidualMask>>[dealers.Length];
        Parallel.For(0, dealers.Length, new ParallelOptions { MaxDegreeOfParallelism = workers }, i => results[i] = MasksOf(dealers[i]));
        foreach (var result in results)
        {
            if (!result.IsAccepted)
            {
                return result.Refusal;
            }

            foreach (var (key, subtract) in result.Value)
            {
                masks.Add(key, subtract);
                CryptographicOperations.ZeroMemory(key);
            }
        }

        return null;
    }

    private Outcome<List<ResidualMask>> MasksOf(int dealer)
    {
        var survived = announcement.Includes(dealer);
        var sharing = sharings[dealer];
        var restored = Restore(dealer, survived ? sharing.Body.SelfMask : sharing.Body.Seed);
        if (!restored.IsAccepted)
        {
            return Outcome<List<ResidualMask>>.Refused(restored.Refusal);
        }

        return survived ? Outcome<List<ResidualMask>>.Accepted([SelfMask(dealer, restored.Value.Value)]) : PairwiseMasks(dealer, restored.Value.Value);
    }

    private Outcome<SecretShare> Restore(int dealer, ShareCommitments commitments)
    {
        var shares = Released(dealer);
        var threshold = parameters.Sharing.Threshold;
        if (shares.Count < threshold)
        {
            return Outcome<SecretShare>.Refused(RefusalCode.BelowThreshold);
        }

        var secret = VerifiableSecretSharing.Reconstruct(shares.Take(threshold).ToArray());
        return commitments.AdmitsSecret(secret) ? Outcome<SecretShare>.Accepted(secret) : RestoreWithBlame(dealer, commitments, shares);
    }

    private Outcome<SecretShare> RestoreWithBlame(int dealer, ShareCommitments commitments, List<SecretShare> shares)
    {
        // A holder checked its share against the commitment when it took it, so a share that does not match now is the holder's fault.
        var right = shares.Where(share => commitments.Admits(share)).ToList();
        foreach (var wrong in shares.Except(right))
        {
            _blamed.TryAdd(wrong.Point - 1, 0);
        }

        if (right.Count < parameters.Sharing.Threshold)
        {
            return Outcome<SecretShare>.Refused(RefusalCode.BadShare, shares.Except(right).First().Point - 1);
        }

        var secret = VerifiableSecretSharing.Reconstruct(right.Take(parameters.Sharing.Threshold).ToArray());
        return commitments.AdmitsSecret(secret) ? Outcome<SecretShare>.Accepted(secret) : Outcome<SecretShare>.Refused(RefusalCode.BadShare, dealer);
    }

    private List<SecretShare> Released(int dealer)
    {
        var shares = new List<SecretShare>();
        foreach (var holder in book.Graph.HoldersOf(dealer))
        {
            if (released.TryGetValue(holder, out var body) && body.Shares.TryGetValue(dealer, out var share))
            {
                shares.Add(share);
            }
        }

        return shares;
    }

    private ResidualMask SelfMask(int dealer, in Scalar secret)
    {
        var key = new byte[CounterKeystream.KeySizeBytes];
        MaskSeed.SelfMaskKey(secret, parameters.Digest, dealer, key);
        return new ResidualMask(key, Subtract: true);
    }

    private Outcome<List<ResidualMask>> PairwiseMasks(int dropped, in Scalar seed)
    {
        using var maskSeed = new MaskSeed(seed, parameters.Digest, dropped);
        if (!maskSeed.PublicKey.AsSpan().SequenceEqual(book.MaskKeyOf(dropped)))
        {
            return Outcome<List<ResidualMask>>.Refused(RefusalCode.BadKey, dropped);
        }

        var masks = new List<ResidualMask>();
        Span<byte> ciphertext = stackalloc byte[HybridKeyPair.CiphertextSizeBytes];
        foreach (var survivor in SurvivingNeighbours(dropped))
        {
            var key = new byte[CounterKeystream.KeySizeBytes];
            var known = dropped < survivor
                ? maskSeed.TryEncapsulate(survivor, book.MaskKeyOf(survivor), book.Digest, ciphertext, key)
                : maskSeed.TryDecapsulate(survivor, MaskCiphertext(survivor, dropped), book.Digest, key);
            if (!known)
            {
                return Outcome<List<ResidualMask>>.Refused(RefusalCode.BadKey, survivor);
            }

            // A dealer that sent another ciphertext than its seed gives made a survivor add a mask that nobody can take off: named, rather than a wrong sum.
            if (dropped < survivor && !MaskCiphertext(dropped, survivor).SequenceEqual(ciphertext))
            {
                return Outcome<List<ResidualMask>>.Refused(RefusalCode.BadKey, dropped);
            }

            // The lower number added the mask: where that is the survivor, it is subtracted here.
            masks.Add(new ResidualMask(key, Subtract: survivor < dropped));
        }

        return Outcome<List<ResidualMask>>.Accepted(masks);
    }

    private ReadOnlySpan<byte> MaskCiphertext(int from, int to) =>
        ShareEnvelope.MaskCiphertext(sharings[from].EnvelopeFor(to, book.Graph).Span, from, to);

    private IEnumerable<int> SurvivingNeighbours(int client) => announcement.Survivors.Where(survivor => book.Graph.AreNeighbours(client, survivor));

    private sealed record ResidualMask(byte[] Key, bool Subtract);
}
