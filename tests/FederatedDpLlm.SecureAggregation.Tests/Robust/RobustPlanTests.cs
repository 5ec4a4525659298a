using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Robust;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Quantization;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Robust;

public sealed class RobustPlanTests
{
    public static TheoryData<RobustPlan, RobustRefusal?> Plans => new()
    {
        // n < 2f + 3 for Krum, n < 4f + 3 for Bulyan, n < 2f + 1 for the rest: one more is enough.
        { new RobustPlan(new Krum(2), Secrecy.Clear, 6, 2), RobustRefusal.TooFewForKrum },
        { new RobustPlan(new Krum(2), Secrecy.Clear, 7, 2), null },
        { new RobustPlan(new Krum(2, 4), Secrecy.Clear, 7, 2), RobustRefusal.TooFewForKrum },
        { new RobustPlan(new Krum(2, 3), Secrecy.Clear, 7, 2), null },
        { new RobustPlan(new Krum(1), Secrecy.Clear, 20, 2), RobustRefusal.TooFewForKrum },
        { new RobustPlan(new Bulyan(2), Secrecy.Clear, 10, 2), RobustRefusal.TooFewForBulyan },
        { new RobustPlan(new Bulyan(2), Secrecy.Clear, 11, 2), null },
        { new RobustPlan(new CoordinateMedian(), Secrecy.Clear, 4, 2), RobustRefusal.NoHonestMajority },
        { new RobustPlan(new CoordinateMedian(), Secrecy.Clear, 5, 2), null },
        { new RobustPlan(new TrimmedMean(1), Secrecy.Clear, 9, 2), RobustRefusal.NoHonestMajority },
        { new RobustPlan(new TrimmedMean(2), Secrecy.Clear, 5, 2), null },

        // So many attackers that twice or four times their number wraps around.
        { new RobustPlan(new Bulyan(1 << 30), Secrecy.Clear, 11, 0), RobustRefusal.TooFewForBulyan },
        { new RobustPlan(new Krum(1 << 30), Secrecy.Clear, 11, 0), RobustRefusal.TooFewForKrum },
        { new RobustPlan(new TrimmedMean(1 << 30), Secrecy.Clear, 11, 0), RobustRefusal.NoHonestMajority },
        { new RobustPlan(new CoordinateMedian(), Secrecy.Clear, 11, 1 << 30), RobustRefusal.NoHonestMajority },

        // A rule that compares single vectors together with full secrecy.
        { new RobustPlan(new Krum(1), Secrecy.OneSum, 100, 1), RobustRefusal.NeedsSingleVectors },
        { new RobustPlan(new Bulyan(1), Secrecy.OneSum, 100, 1), RobustRefusal.NeedsSingleVectors },
        { new RobustPlan(new CoordinateMedian(), Secrecy.OneSum, 100, 0), RobustRefusal.NeedsSingleVectors },
        { new RobustPlan(new TrimmedMean(1), Secrecy.OneSum, 100, 1), RobustRefusal.NeedsSingleVectors },
        { new RobustPlan(new GeometricMedian(1), Secrecy.OneSum, 100, 10), null },

        // Four to eight hospitals with attackers inside one secret sum.
        { new RobustPlan(new CentredClipping(1), Secrecy.OneSum, 4, 1), RobustRefusal.SumTooSmallForAttackers },
        { new RobustPlan(new GeometricMedian(1), Secrecy.OneSum, 8, 1), RobustRefusal.SumTooSmallForAttackers },
        { new RobustPlan(new GeometricMedian(1), Secrecy.OneSum, 9, 1), null },
        { new RobustPlan(new CentredClipping(1), Secrecy.OneSum, 4, 0), null },

        // Groups.
        { new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 24, 1), null },
        { new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 23, 1), RobustRefusal.NoHonestMajority },
        { new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 15, 0), RobustRefusal.OneGroup },
        { new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 100, 1, 7), RobustRefusal.GroupTooSmall },
        { new RobustPlan(new Krum(1), Secrecy.Groups, 39, 1), RobustRefusal.TooFewForKrum },
        { new RobustPlan(new Krum(1), Secrecy.Groups, 40, 1), null },
        { new RobustPlan(new Bulyan(1), Secrecy.Groups, 55, 1), RobustRefusal.TooFewForBulyan },
        { new RobustPlan(new Bulyan(1), Secrecy.Groups, 56, 1), null },
    };

    [Fact]
    public void A_negative_number_of_attackers_is_a_mistake_of_the_caller() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new RobustPlan(new CoordinateMedian(), Secrecy.Clear, 5, -1).Check());

    [Theory, MemberData(nameof(Plans))]
    public void A_configuration_that_cannot_work_is_refused_with_its_reason(RobustPlan plan, RobustRefusal? refusal) => Assert.Equal(refusal, plan.Check());

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_rule_without_a_radius_is_no_rule(double radius)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CentredClipping(radius));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GeometricMedian(radius));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CentredClipping(1, Steps: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GeometricMedian(1, Steps: 0));
    }

    [Fact]
    public void Groups_are_a_partition_that_changes_with_the_seed()
    {
        var plan = new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 29, 1);
        var groups = SecureGroups.Assign(plan, SHA256.HashData([1]));
        Assert.Equal(Enumerable.Range(0, 29), groups.SelectMany(group => group).Order());
        Assert.All(groups, group => Assert.True(group.Length >= RobustPlan.SmallestGroup));
        Assert.NotEqual(groups.SelectMany(group => group), SecureGroups.Assign(plan, SHA256.HashData([2])).SelectMany(group => group));
        Assert.Throws<ArgumentException>(() => SecureGroups.Assign(plan with { Attackers = 5 }, new byte[32]));
    }

    [Fact]
    public void Groups_that_are_left_after_dropouts_must_still_outvote_the_attackers()
    {
        var plan = new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 24, 1);
        (float[], int)[] sums = [([8], 8), ([16], 8), ([4000], 8)];
        Assert.Equal([2f], SecureGroups.Combine(plan, sums)!);
        Assert.Null(SecureGroups.Combine(plan, sums[..2]));
    }

    // 24 hospitals in three secure sums, one of them sends the largest values that the quantisation admits: the mean of all moves, the median of groups stays.
    [Fact]
    public void One_attacker_spoils_the_sum_of_all_and_not_the_median_of_secure_groups()
    {
        const int Dimension = 40;
        var plan = new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 24, 1);
        var quantization = QuantizationPlan.For(QuantizationTests.Target(Dimension, 8, 8, 0, 21, false, 1e6));
        var update = QuantizationTests.Update(Dimension, 1, 0.5);
        var sums = SecureGroups.Assign(plan, new byte[32]).Select(group =>
        {
            using var federation = new Federation(group.Length, Dimension);
            var round = new InProcessRound(QuantizationTests.ParametersOf(federation, quantization), federation.Identities, federation.Random)
            {
                InputOf = place => group[place] == 5 ? Enumerable.Repeat((1 << 20) - 1, Dimension).ToArray() : QuantizationTests.Quantized(quantization, update, federation.Random),
            };
            var sum = round.Run(CancellationToken.None).Required;
            return (quantization.Read(sum)!, sum.Survivors.Count);
        }).ToList();
        var robust = SecureGroups.Combine(plan, sums)!;
        var mean = Enumerable.Range(0, Dimension).Select(i => sums.Sum(group => group.Item1[i]) / 24).ToArray();
        Assert.True(Distance(robust, update) < 0.05);
        Assert.True(Distance(mean, update) > 0.2);
    }

    // The geometric median of twelve hospitals, two of which send a vector far away: four secure sums, no single update seen.
    [Fact]
    public void Weiszfeld_steps_over_secure_sums_find_the_honest_middle_and_one_plain_sum_does_not()
    {
        const int Dimension = 20;
        var rule = new GeometricMedian(Smoothing: 0.3, Steps: 4);
        Assert.Null(new RobustPlan(rule, Secrecy.OneSum, 12, 2).Check());
        using var federation = new Federation(12, Dimension);
        var honest = QuantizationTests.Update(Dimension, 1, 1);
        float[] UpdateOf(int client) => client < 2 ? [.. Enumerable.Repeat(50f, Dimension)] : [.. honest.Select(value => value + (0.02f * (client - 6)))];
        var target = QuantizationTests.Target(rule.ContributionLength(Dimension), 12, 12, 0, 21, false, 1e7) with { ClipNorm = rule.ContributionNorm };
        var plan = QuantizationPlan.For(target);
        var centre = new float[Dimension];
        for (var step = 0; step < rule.Steps; step++)
        {
            var round = new InProcessRound(QuantizationTests.ParametersOf(federation, plan), federation.Identities, federation.Random)
            {
                InputOf = client => QuantizationTests.Quantized(plan, rule.Contribute(UpdateOf(client), centre), federation.Random),
            };
            centre = rule.Move(centre, plan.Read(round.Run(CancellationToken.None).Required)!, 12);
        }

        var mean = Enumerable.Range(0, Dimension).Select(i => Enumerable.Range(0, 12).Sum(client => UpdateOf(client)[i]) / 12).ToArray();
        Assert.True(Distance(centre, honest) < 0.3, $"{Distance(centre, honest)}");
        Assert.True(Distance(mean, honest) > 10);
    }

    private static double Distance(float[] left, float[] right) => Math.Sqrt(VectorMath.SquaredDistance(left, right));
}
