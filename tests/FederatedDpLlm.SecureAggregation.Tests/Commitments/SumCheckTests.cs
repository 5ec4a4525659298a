using System.Numerics;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Commitments;

public sealed class SumCheckTests
{
    private const int Dropped = 4;

    [Fact]
    public void The_right_sum_holds_and_a_sum_that_is_wrong_in_one_place_does_not()
    {
        using var check = new Case();
        Assert.Null(check.Verify(check.Sum));
        for (var place = 0; place < check.Sum.Length; place += 13)
        {
            // The coordinator runs the whole check over its wrong sum: hospitals answer the challenge to it from their own updates.
            var wrong = check.Sum.ToArray();
            wrong[place]++;
            Assert.Equal(new Refusal(RefusalCode.WrongSum), check.Verify(wrong));
        }
    }

    [Fact]
    public void Naive_hospitals_believe_a_sum_that_leaves_one_of_them_out()
    {
        using var check = new Case();
        var without = check.Sum.Zip(check.Federation.Inputs[0], (all, one) => all - one).ToArray();

        // Naive: a hospital sees that its own upload is under the announced root, that a quorum signed the same survivors, and a vector of the right length. All of
        // that holds for any vector of that length, the one without the first hospital's update too, and for the first hospital itself.
        using var round = new ManualRound(check.Federation);
        round.ToConfirmations();
        Assert.All(round.Clients, hospital => Assert.True(BelievedByNaive(hospital, without)));
        Assert.All(round.Clients, hospital => Assert.False(BelievedByNaive(hospital, without[1..])));

        // With the check, the others' signed commitments open another sum.
        Assert.Equal(new Refusal(RefusalCode.WrongSum), check.Verify(without));

        bool BelievedByNaive(AggregationClient hospital, int[] published) =>
            hospital.Stage >= ClientStage.Confirmed && hospital.Unmask(round.Confirmations).IsAccepted && published.Length == check.Parameters.VectorLength;
    }

    [Fact]
    public void A_commitment_that_is_missing_doubled_changed_or_of_another_challenge_is_refused()
    {
        using var check = new Case();
        var (commitments, openings) = check.Run(check.Sum);
        Refusal? Verify(IReadOnlyList<ReadOnlyMemory<byte>> shown) => SumCheck.Verify(check.Parameters, check.Announcement, check.Sum, shown, openings);
        Assert.Null(Verify(commitments));
        Assert.Equal(RefusalCode.TooFewSurvivors, Verify([.. commitments.Skip(1)])!.Code);
        Assert.Equal(RefusalCode.Replayed, Verify([.. commitments, commitments[0]])!.Code);
        var changed = commitments[0].ToArray();
        changed[80] ^= 1;
        Assert.Equal(RefusalCode.BadSignature, Verify([changed, .. commitments.Skip(1)])!.Code);
        var identity = check.Federation.Identities[0];
        var malformed = SignedFrame.Seal(MessageKind.SumCommitment, check.Parameters, 0, identity, [.. Enumerable.Repeat((byte)0xFF, 96)]);
        Assert.Equal(new Refusal(RefusalCode.Malformed, 0), Verify([malformed, .. commitments.Skip(1)]));
        var other = SumChallenge.For(check.Parameters, check.Announcement, [.. check.Sum.Select(value => value + 1)]);
        var (elsewhere, _) = SumCheck.Contribute(check.Parameters, other, check.Federation.Inputs[0], 0, identity, check.Federation.Random);
        Assert.Equal(RefusalCode.Equivocation, Verify([elsewhere, .. commitments.Skip(1)])!.Code);
        Assert.Equal(RefusalCode.TooFewSurvivors, SumCheck.Verify(check.Parameters, check.Announcement, check.Sum, commitments, openings with { Survivors = [0, 1] })!.Code);
        Assert.Equal(RefusalCode.WrongSum, SumCheck.Verify(check.Parameters, check.Announcement, check.Sum, commitments, openings with { Values = new int[SumCheck.VectorLength] })!.Code);
    }

    [Fact]
    public void The_functions_are_linear_modulo_the_prime_and_say_what_big_integers_say()
    {
        using var check = new Case();
        var challenge = SumChallenge.For(check.Parameters, check.Announcement, check.Sum);
        BigInteger prime = SumChallenge.Prime;
        var basis = Enumerable.Range(0, Case.Length).Select(place =>
        {
            var unit = new int[Case.Length];
            unit[place] = 1;
            return challenge.Evaluate(unit);
        }).ToArray();
        Assert.Equal(Case.Length, basis.Select(pair => pair.First).Distinct().Count());
        int[] extremes = [.. Enumerable.Range(0, Case.Length).Select(i => i % 3 == 0 ? int.MinValue : i % 3 == 1 ? int.MaxValue : -i)];
        var expected = extremes.Zip(basis).Aggregate((First: BigInteger.Zero, Second: BigInteger.Zero), (sum, one) => (sum.First + ((BigInteger)one.First * one.Second.First), sum.Second + ((BigInteger)one.First * one.Second.Second)));
        var (first, second) = challenge.Evaluate(extremes);
        Assert.Equal(((expected.First % prime) + prime) % prime, first);
        Assert.Equal(((expected.Second % prime) + prime) % prime, second);
    }

    private sealed class Case : IDisposable
    {
        public const int Length = 60;

        public Case()
        {
            var outcome = Federation.Round(client => client == Dropped ? DropoutStage.BeforeUpload : DropoutStage.Never).Run(CancellationToken.None).Required;
            Sum = outcome.Values.ToArray();
            Announcement = new SurvivorAnnouncement([.. outcome.Survivors], new byte[32]);
        }

        public Federation Federation { get; } = new(6, Length);

        public RoundParameters Parameters => Federation.Parameters;

        public SurvivorAnnouncement Announcement { get; }

        public int[] Sum { get; }

        public (IReadOnlyList<ReadOnlyMemory<byte>> Commitments, AggregateSum Openings) Run(int[] claimed)
        {
            var challenge = SumChallenge.For(Parameters, Announcement, claimed);
            var parts = Announcement.Survivors.ToDictionary(
                client => client, client => SumCheck.Contribute(Parameters, challenge, Federation.Inputs[client], client, Federation.Identities[client], Federation.Random));
            var round = new InProcessRound(SumCheck.ParametersOf(Parameters, Announcement, challenge), Federation.Identities, Federation.Random)
            {
                InputOf = client => parts[client].Values,
                DropoutOf = client => client == Dropped ? DropoutStage.BeforeAdvertising : DropoutStage.Never,
            };
            return ([.. parts.Values.Select(part => part.Commitments)], round.Run(CancellationToken.None).Required);
        }

        public Refusal? Verify(int[] claimed)
        {
            var (commitments, openings) = Run(claimed);
            return SumCheck.Verify(Parameters, Announcement, claimed, commitments, openings);
        }

        public void Dispose() => Federation.Dispose();
    }
}
