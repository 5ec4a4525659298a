using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Robust;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Quantization;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Robust;

/// <summary>Rules that compare vectors, over the sums of real secure rounds with one group spoiled, beside the same rule over the same means made in the clear.</summary>
public sealed class SecureGroupRuleTests
{
    private const int Dimension = 40;
    private const int Attacker = 5;

    public static TheoryData<RobustRule, int> Rules => new()
    {
        { new TrimmedMean(1), 24 },
        { new Krum(1), 40 },
        { new Krum(1, Chosen: 2), 40 },
        { new Bulyan(1), 56 },
    };

    // The attacker sends the largest values that the quantisation admits.
    [Theory, MemberData(nameof(Rules))]
    public void A_rule_over_secure_groups_gives_what_it_gives_in_the_clear_and_the_spoiled_group_does_not_move_it(RobustRule rule, int clients)
    {
        var plan = new RobustPlan(rule, Secrecy.Groups, clients, 1);
        var quantization = QuantizationPlan.For(QuantizationTests.Target(Dimension, 8, 8, 0, 21, false, 1e6));
        var update = QuantizationTests.Update(Dimension, 1, 0.5);
        var (secure, means) = (new List<(float[] Sum, int Survivors)>(), new List<ReadOnlyMemory<float>>());
        foreach (var group in SecureGroups.Assign(plan, new byte[32]))
        {
            using var federation = new Federation(group.Length, Dimension);
            int[][] inputs = [.. group.Select(client => client == Attacker
                ? [.. Enumerable.Repeat((1 << 20) - 1, Dimension)]
                : QuantizationTests.Quantized(quantization, [.. update.Select(value => value + (0.0005f * ((client % 8) - 4)))], federation.Random))];
            var round = new InProcessRound(QuantizationTests.ParametersOf(federation, quantization), federation.Identities, federation.Random) { InputOf = place => inputs[place] };
            var sum = round.Run(CancellationToken.None).Required;
            secure.Add((quantization.Read(sum)!, sum.Survivors.Count));

            int[] clear = [.. Enumerable.Range(0, inputs[0].Length).Select(i => inputs.Sum(input => input[i]))];
            means.Add(Array.ConvertAll(quantization.Read(new AggregateSum(clear, [.. Enumerable.Range(0, group.Length)], []))!, value => value / group.Length));
        }

        var robust = SecureGroups.Combine(plan, secure)!;
        Assert.Equal(rule.Combine(means).Required, robust);
        var mean = Enumerable.Range(0, Dimension).Select(i => means.Average(one => one.Span[i])).ToArray();
        var (moved, plain) = (Distance(robust, update), Distance(mean, update));
        Assert.True(moved < 0.05 && plain > 2 * moved, $"The rule is moved by {moved}, the mean of all by {plain}.");
    }

    private static double Distance(float[] left, float[] right) => Math.Sqrt(VectorMath.SquaredDistance(left, right));
}
