using System.Numerics;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Wrong answers of committee members: which are left out, and when there is no sum.</summary>
public sealed class CommitteeAnswerTests
{
    private const int Dealer = 2;

    // Twelve members of whom any nine open the sum: with the three first ones wrong only the last of the 220 choices is right.
    [Theory, InlineData(12, new[] { 0, 1, 2 }), InlineData(6, new[] { 5 })]
    public void Wrong_answers_that_leave_a_threshold_of_right_ones_are_left_out(int clients, int[] liars)
    {
        using var federation = new Federation(clients, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        ForgeAnswers(federation, round, liars);
        var sum = round.Finish().Required;
        Assert.Equal(federation.SumOf(Enumerable.Range(0, clients)), sum.Values.ToArray());
        Assert.Equal(liars, sum.LeftOut);
        Assert.Empty(sum.Blamed);
    }

    [Fact]
    public void An_answer_that_opens_to_other_keys_is_left_out_as_these_decrypt_nothing()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        round.ToConfirmations();

        // Off by the scale over the Lagrange factor that the first choice of answers gives it: that choice opens to the sum of the keys plus 1, without noise.
        var frame = SignedFrame.Open(round.Clients[0].Unmask(round.Confirmations).Required.Release(), MessageKind.Unmasking, federation.Parameters).Required;
        var first = Enumerable.Range(0, federation.Parameters.Sharing.Threshold).Select(SharingBody.PointOf).ToList();
        using var answer = RingElement.TryRead(frame.Body[32..])!;
        var ones = new double[Ring.Degree];
        Array.Fill(ones, 1);
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            var modulus = Ring.Moduli[prime];
            var inverse = (BigInteger)modulus.ResidueOfInverse((BigInteger)CommitteeParameters.Lagrange(first[0], first, modulus));
            RingArithmetic.Fastest.MultiplyAdd(answer[prime], ones, modulus.Residue(inverse * CommitteeParameters.Scale), modulus);
        }

        round.Forged[0] = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, 0, federation.Identities[0], [.. frame.Body[..32], .. answer.ToBytes()]);
        var sum = round.Finish().Required;
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), sum.Values.ToArray());
        Assert.Equal([0], sum.LeftOut);
        Assert.Empty(sum.Blamed);
    }

    [Fact]
    public void A_member_that_was_dealt_a_wrong_share_is_left_out_and_not_blamed_for_it()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        round.Deal();
        var dealt = round.Sharings[Dealer];
        var body = CommitteeSharingBody.TryDecode(SignedFrame.Open(dealt.Frame, MessageKind.Sharing, federation.Parameters).Required.Body, federation.Parameters)!;
        using var channel = new HybridKeyPair(ClientMemory.TryDecode(round.Snapshots[0])!.ChannelSeed);
        using var keystream = new KeystreamWords(new byte[16]);
        using var wrong = RingElement.Uniform(keystream, region: 0);
        var context = new EnvelopeContext(federation.Parameters, body.Advertisements, body.Binding, Dealer, 0);
        var envelope = CommitteeEnvelope.Seal(context, channel.PublicKey, wrong.ToBytes(), federation.Random)!;
        var forged = body with { EnvelopeHashes = [SHA256.HashData(envelope), .. body.EnvelopeHashes.Skip(1)] };
        round.Sharings[Dealer] = new KeySharing(
            SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, Dealer, federation.Identities[Dealer], forged.Encode()), [envelope, .. dealt.Envelopes.Skip(1)]);
        round.Deliver();
        var sum = round.FinishWithout().Required;
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), sum.Values.ToArray());
        Assert.Equal([0], sum.LeftOut);
        Assert.Empty(sum.Blamed);
    }

    [Fact]
    public void Wrong_answers_that_leave_too_few_right_ones_give_no_sum()
    {
        using var federation = new Federation(6, 8, AggregationMode.Committee);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        ForgeAnswers(federation, round, [0, 3]);
        Assert.Equal(RefusalCode.Undecryptable, round.Finish().Refusal!.Code);
    }

    // Each another member's share of nothing: a uniform element, as a member without a share would send.
    private static void ForgeAnswers(Federation federation, ManualRound round, IReadOnlyList<int> liars)
    {
        foreach (var liar in liars)
        {
            using var keystream = new KeystreamWords(SHA256.HashData([(byte)liar]).AsSpan(0, 16));
            using var wrong = RingElement.Uniform(keystream, region: 0);
            var digest = SignedFrame.Open(round.Confirmations[0], MessageKind.Confirmation, federation.Parameters).Required.Body.ToArray();
            round.Forged[liar] = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, liar, federation.Identities[liar], [.. digest, .. wrong.ToBytes()]);
        }
    }
}
