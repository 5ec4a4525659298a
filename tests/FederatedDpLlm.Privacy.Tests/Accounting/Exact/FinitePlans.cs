using System.Numerics;
using CsCheck;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Exact;

/// <summary>Random releases of every kind whose outcomes are few, with their exact masses.</summary>
internal static class FinitePlans
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Nothing = NeighbouringRelation.ReplaceByNothing;

    public static Gen<FinitePlan> Any { get; } = Gen.OneOf(
        Thousandths(10, 1500).Select(e => new FinitePlan(new PureEvent(new(e / 1000.0), Replace), Pure(e))),
        Thousandths(10, 1500).Select(e => new FinitePlan(new PermuteAndFlipEvent(new(e / 1000.0), Replace), Pure(e))),
        Gen.Select(Thousandths(10, 500), Thousandths(10, 500), Gen.Int[1, 5])
            .Select(t => new FinitePlan(new AboveThresholdEvent(new(t.Item1 / 1000.0), new(t.Item2 / 1000.0), t.Item3, Replace), Pure(t.Item1 + t.Item2))),
        Gen.Select(Thousandths(10, 300), Gen.Int[0, 2])
            .Select(t => new FinitePlan(new RepeatAndSelectEvent(new PureEvent(new(t.Item1 / 1000.0), Replace), 5, t.Item2), Pure((2 + t.Item2) * t.Item1))),
        Gen.Select(Thousandths(10, 1000), Gen.Int[1, 100_000]).Select(t => Approximate(t.Item1, t.Item2)),
        Gen.Select(Thousandths(50, 950), Gen.Int[2, 10]).Select(t => Response(t.Item1, t.Item2)),
        Gen.Select(Thousandths(50, 950), Gen.Int[2, 10]).Select(t => ResponseAgainstNothing(t.Item1, t.Item2)),
        Gen.Select(Thousandths(500, 9000), Gen.Int[1, 2]).Select(t => DiscreteLaplace(t.Item1, t.Item2)),
        Gen.Select(Thousandths(10, 1500), Thousandths(1, 900)).Select(t => new FinitePlan(new PureEvent(new(t.Item1 / 1000.0), Nothing), Pure(t.Item1)).Sampled(t.Item2)),
        Gen.Select(Thousandths(50, 950), Gen.Int[2, 10], Thousandths(1, 900)).Select(t => ResponseAgainstNothing(t.Item1, t.Item2, t.Item3)),
        Gen.Select(Thousandths(10, 1000), Gen.Int[1, 100_000], Thousandths(1, 900)).Select(t => Approximate(t.Item1, t.Item2, Nothing).Sampled(t.Item3)));

    private static Gen<int> Thousandths(int from, int to) => Gen.Int[from, to];

    // The binary randomized response that is the worst of all (epsilon, 0)-private releases (Kairouz, Oh, Viswanath).
    private static (BigInteger P, BigInteger Q)[] Pure(int thousandths)
    {
        BigInteger small = FixedPoint.Exp(-FixedPoint.Of(thousandths, 1000)), yes = FixedPoint.Over(FixedPoint.One, FixedPoint.One + small), no = FixedPoint.One - yes;
        return [(yes, no), (no, yes)];
    }

    private static FinitePlan Approximate(int thousandths, int billionths, NeighbouringRelation relation = Replace)
    {
        // The delta that the event holds is the double next to the fraction.
        Delta delta = new(billionths / 1e9);
        BigInteger lost = FixedPoint.Of(delta.Value), kept = FixedPoint.One - lost;
        var outcomes = Pure(thousandths).Select(outcome => (FixedPoint.Times(kept, outcome.P), FixedPoint.Times(kept, outcome.Q)));
        return new(new ApproximateEvent(new(thousandths / 1000.0), delta, relation), [.. outcomes, (lost, BigInteger.Zero), (BigInteger.Zero, lost)]);
    }

    private static FinitePlan Response(int thousandths, int buckets)
    {
        BigInteger other = FixedPoint.Of(thousandths, 1000 * buckets), truth = FixedPoint.One - ((buckets - 1) * other);
        return new(
            new RandomizedResponseEvent(thousandths / 1000.0, buckets, Replace),
            buckets == 2 ? [(truth, other), (other, truth)] : [(truth, other), (other, truth), ((buckets - 2) * other, (buckets - 2) * other)]);
    }

    private static FinitePlan ResponseAgainstNothing(int thousandths, int buckets, int? sampled = null)
    {
        BigInteger other = FixedPoint.Of(thousandths, 1000 * buckets), truth = FixedPoint.One - ((buckets - 1) * other), uniform = FixedPoint.Of(1, buckets);
        (BigInteger P, BigInteger Q)[] told = [(truth, uniform), ((buckets - 1) * other, FixedPoint.One - uniform)];
        var plan = new FinitePlan(new RandomizedResponseEvent(thousandths / 1000.0, buckets, Nothing), [told, [.. told.Select(outcome => (outcome.Q, outcome.P))]]);
        return sampled is { } rate ? plan.Sampled(rate) : plan;
    }

    // Beyond either centre all outcomes have one ratio: sensitivity + 1 outcomes in all.
    private static FinitePlan DiscreteLaplace(int thousandths, int sensitivity)
    {
        BigInteger rate = FixedPoint.Exp(-FixedPoint.Of(1000, thousandths)), far = FixedPoint.Power(rate, sensitivity), tail = FixedPoint.Over(FixedPoint.One, FixedPoint.One + rate);
        var between = FixedPoint.Times(FixedPoint.Over(FixedPoint.One - rate, FixedPoint.One + rate), rate);
        (BigInteger, BigInteger)[] ends = [(tail, FixedPoint.Times(tail, far)), (FixedPoint.Times(tail, far), tail)];
        return new(new DiscreteLaplaceEvent(thousandths / 1000.0, sensitivity, Replace), sensitivity == 1 ? ends : [.. ends, (between, between)]);
    }
}
