using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Commitments;

/// <summary>
/// An option after a round: every hospital checks that the published sum is the sum of what was uploaded, at the cost of two dot products and of a second,
/// tiny round. Each survivor signs hiding commitments to the challenge's functions of its own update; the openings are summed in secret, in a round of
/// <see cref="VectorLength"/> values with keys of its own; then the commitments' sum must open to the openings' sum, and that must be the functions of the
/// published sum. A coordinator that published anything else is caught with probability above 1 - 2^-121 as long as discrete logarithms are hard.
/// References: Pedersen, CRYPTO 1991; VeriFL, Guo et al., TIFS 2021. The composition is this project's own and has had no outside review: it only ever adds a
/// refusal. It does not bind hospitals: one that colludes can explain a difference by its own update, which it could have chosen to begin with.
/// </summary>
public static class SumCheck
{
    /// <summary>Values in the second round: two functions of 61 bits and two blindings of 253, in limbs of 16 bits.</summary>
    public const int VectorLength = 2 * (FunctionLimbs + ScalarLimbs);

    /// <summary>The width of one of them: a limb with a sign.</summary>
    public const int ValueBits = 17;

    private const int FunctionLimbs = 4;
    private const int ScalarLimbs = 16;
    private const int BodySizeBytes = 32 + (2 * GroupElement.SizeBytes);

    /// <summary>The parameters of the second round: the first one's roster, bound to the challenge; everybody whose upload is in the sum must take part.</summary>
    public static RoundParameters ParametersOf(RoundParameters first, SurvivorAnnouncement announcement, SumChallenge challenge)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(announcement);
        ArgumentNullException.ThrowIfNull(challenge);
        return new RoundParameters(
            "sum check", first.Round, AggregationMode.Mask, VectorLength, ValueBits, [.. Enumerable.Range(0, first.Clients).Select(client => (ReadOnlyMemory<byte>)first.KeyOf(client).ToArray())],
            first.ModelHash, challenge.Digest.ToArray(), announcement.Survivors.Count, first.CorruptFraction, first.DropoutFraction);
    }

    /// <summary>A survivor's part: the signed commitments, which everybody is sent, and the values for the second round.</summary>
    public static (ReadOnlyMemory<byte> Commitments, int[] Values) Contribute(
        RoundParameters first, SumChallenge challenge, ReadOnlySpan<int> update, int self, HospitalIdentity identity, ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(challenge);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentOutOfRangeException.ThrowIfNotEqual(update.Length, first.VectorLength, nameof(update));
        var (one, other) = challenge.Evaluate(update);
        var (oneBlinding, otherBlinding) = (Scalar.Random(random), Scalar.Random(random));
        var writer = new WireWriter();
        writer.Bytes(challenge.Digest);
        Write(writer, ShareCommitments.Commit(FromLimbs(one), oneBlinding));
        Write(writer, ShareCommitments.Commit(FromLimbs(other), otherBlinding));
        var values = new int[VectorLength];
        Split(one, oneBlinding, values.AsSpan(0, VectorLength / 2));
        Split(other, otherBlinding, values.AsSpan(VectorLength / 2));
        return (SignedFrame.Seal(MessageKind.SumCommitment, first, self, identity, writer.ToArray()), values);
    }

    /// <summary>Whether a published sum holds.</summary>
    /// <param name="first">The round.</param>
    /// <param name="announcement">The survivors that were signed in it.</param>
    /// <param name="claimedSum">What the coordinator published.</param>
    /// <param name="commitments">Every survivor's.</param>
    /// <param name="openings">The second round's sum.</param>
    /// <returns>Null where it holds; else why not, with blame where a hospital's commitments are malformed.</returns>
    public static Refusal? Verify(
        RoundParameters first, SurvivorAnnouncement announcement, ReadOnlySpan<int> claimedSum, IReadOnlyList<ReadOnlyMemory<byte>> commitments, AggregateSum openings)
    {
        ArgumentNullException.ThrowIfNull(commitments);
        ArgumentNullException.ThrowIfNull(openings);
        var challenge = SumChallenge.For(first, announcement, claimedSum);
        if (openings.Values.Length != VectorLength || !openings.Survivors.SequenceEqual(announcement.Survivors))
        {
            return new Refusal(RefusalCode.TooFewSurvivors);
        }

        if (Combine(first, announcement, challenge, commitments, out var one, out var other) is { } refusal)
        {
            return refusal;
        }

        var (oneFunction, otherFunction) = challenge.Evaluate(claimedSum);
        return Opens(one, openings.Values.Span[..(VectorLength / 2)], oneFunction) && Opens(other, openings.Values.Span[(VectorLength / 2)..], otherFunction)
            ? null
            : new Refusal(RefusalCode.WrongSum);
    }

    private static Refusal? Combine(
        RoundParameters first, SurvivorAnnouncement announcement, SumChallenge challenge, IReadOnlyList<ReadOnlyMemory<byte>> commitments, out GroupElement one, out GroupElement other)
    {
        (one, other) = (GroupElement.Identity, GroupElement.Identity);
        var seen = new HashSet<int>();
        foreach (var frame in commitments)
        {
            var opened = SignedFrame.Open(frame, MessageKind.SumCommitment, first);
            if (!opened.IsAccepted)
            {
                return opened.Refusal;
            }

            var body = opened.Value.Body;
            var sender = opened.Value.Sender;
            if (body.Length != BodySizeBytes || !GroupElement.TryRead(body[32..64], out var oneTerm) || !GroupElement.TryRead(body[64..], out var otherTerm))
            {
                return new Refusal(RefusalCode.Malformed, sender);
            }

            // A hospital that was shown another sum committed to another challenge.
            if (!body[..32].SequenceEqual(challenge.Digest))
            {
                return new Refusal(RefusalCode.Equivocation);
            }

            if (!announcement.Includes(sender) || !seen.Add(sender))
            {
                return new Refusal(RefusalCode.Replayed);
            }

            (one, other) = (one + oneTerm, other + otherTerm);
        }

        return seen.Count == announcement.Survivors.Count ? null : new Refusal(RefusalCode.TooFewSurvivors);
    }

    private static bool Opens(GroupElement commitment, ReadOnlySpan<int> limbs, ulong function)
    {
        if (limbs.ContainsAnyExceptInRange(0, int.MaxValue))
        {
            return false;
        }

        // The functions' sum is an integer below 2^71: it opens the commitment as a scalar and is the function of the sum modulo the prime.
        var sum = UInt128.Zero;
        for (var i = FunctionLimbs - 1; i >= 0; i--)
        {
            sum = (sum << 16) + (UInt128)(uint)limbs[i];
        }

        return ShareCommitments.Commit(FromLimbs(sum), FromLimbs(limbs[FunctionLimbs..])) == commitment && (ulong)(sum % SumChallenge.Prime) == function;
    }

    private static void Split(ulong function, in Scalar blinding, Span<int> limbs)
    {
        for (var i = 0; i < FunctionLimbs; i++)
        {
            limbs[i] = (int)((function >> (16 * i)) & 0xFFFF);
        }

        Span<byte> bytes = stackalloc byte[Scalar.SizeBytes];
        blinding.CopyTo(bytes);
        for (var i = 0; i < ScalarLimbs; i++)
        {
            limbs[FunctionLimbs + i] = System.Buffers.Binary.BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]);
        }

        System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
    }

    private static Scalar FromLimbs(UInt128 value)
    {
        Span<byte> wide = stackalloc byte[64];
        wide.Clear();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(wide, value);
        return Scalar.Reduce(wide);
    }

    private static Scalar FromLimbs(ReadOnlySpan<int> limbs)
    {
        var (value, shift) = (Scalar.Zero, Scalar.From(1 << 16));
        for (var i = limbs.Length - 1; i >= 0; i--)
        {
            value = (value * shift) + Scalar.From((uint)limbs[i]);
        }

        return value;
    }

    private static void Write(WireWriter writer, in GroupElement element)
    {
        Span<byte> bytes = stackalloc byte[GroupElement.SizeBytes];
        element.CopyTo(bytes);
        writer.Bytes(bytes);
    }
}
