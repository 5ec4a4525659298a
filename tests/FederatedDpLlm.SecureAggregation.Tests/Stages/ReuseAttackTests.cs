using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Secrets that would serve two rounds, or two models.</summary>
public sealed class ReuseAttackTests
{
    private const int Length = 40;
    private const int Target = 2;

    [Fact]
    public void A_setup_that_serves_two_rounds_gives_the_difference_of_two_updates_away_unless_the_round_is_in_every_key()
    {
        var (first, second) = (Update(7919), Update(104729));
        int[] difference = [.. first.Zip(second, (a, b) => a - b)];

        // Naive: one setup, as of MicroSecAgg before its repair: the second round's masks are the first one's, since nothing of the round goes into them.
        Assert.Equal(difference, Difference(Uploaded(round: 1, first), Uploaded(round: 1, second)));

        // Ours: the same seeds and channel keys in another round give other masks. (The product draws them anew besides.)
        Assert.True(Difference(Uploaded(round: 1, first), Uploaded(round: 2, second)).Zip(difference).Count(pair => pair.First == pair.Second) <= 2);
    }

    [Fact]
    public void Showing_everybody_else_a_dead_model_would_single_out_an_update_and_the_models_hash_in_every_message_and_key_forbids_it()
    {
        // Pasquini et al., arXiv:2111.07380: on the model that the others are shown nothing can be learned, so their updates are zeros. Naive clients know of no
        // model when they mask: the sum is the target's update.
        using var federation = new Federation(6, Length);
        Array.ForEach([.. federation.Inputs.Where((_, client) => client != Target)], Array.Clear);
        Assert.Equal(federation.Inputs[Target], federation.Round().Run(CancellationToken.None).Required.Values.ToArray());

        // Ours: the target, which was shown another model, and the others read nothing of each other.
        var shown = federation.ParametersOf(AggregationMode.Mask, Length, model: 2);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise().ToArray();
        using var target = new AggregationClient(shown, Target, federation.Identities[Target], federation.Random);
        advertisements[Target] = target.Advertise().Required.Release();
        Assert.Equal(RefusalCode.WrongContext, target.ShareKeys(advertisements).Refusal!.Code);
        Assert.Equal(RefusalCode.WrongContext, round.Clients[0].ShareKeys(advertisements).Refusal!.Code);
        Assert.Equal(RefusalCode.WrongContext, new AggregationCoordinator(federation.Parameters).ReceiveAdvertisement(advertisements[Target])!.Code);

        // And if they did, the same agreed secret gives each another mask.
        byte[] Mask(RoundParameters parameters)
        {
            var key = new byte[CounterKeystream.KeySizeBytes];
            KeyDerivation.Derive(new byte[32], SHA256.HashData([1]), "pairwise mask"u8, parameters.Digest, 0, Target, key);
            return key;
        }

        Assert.NotEqual(Mask(shown), Mask(federation.Parameters));
        Assert.Equal(Mask(federation.ParametersOf(AggregationMode.Mask, Length)), Mask(federation.Parameters));
    }

    private static int[] Update(int step) => [.. Enumerable.Range(0, Length).Select(i => (i * step % 65536) - 32768)];

    // The same source of randomness each time: the same identities, seeds and channel keys.
    private static uint[] Uploaded(long round, int[] update)
    {
        using var federation = new Federation(6, Length, seed: 31, round: round);
        update.CopyTo(federation.Inputs[0], 0);
        using var manual = new ManualRound(federation);
        manual.ToSharings();
        var lanes = new uint[Length];
        LaneFormat.For(federation.Parameters.SumBits).AddTo(lanes, manual.Upload(0).Payload.Span);
        return lanes;
    }

    private static int[] Difference(uint[] first, uint[] second) => [.. first.Zip(second, (a, b) => new LaneFormat(3).Signed(unchecked(a - b)))];
}
