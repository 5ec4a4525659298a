using System.Numerics;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Exact;

/// <summary>
/// A release with few outcomes, as their exact masses under both neighbours, one direction at a time: the delta of n of them is a finite sum over how often each outcome came.
/// </summary>
/// <param name="Event">What accountants are asked about.</param>
/// <param name="Directions">The outcomes of each direction.</param>
internal sealed record FinitePlan(PrivacyEvent Event, (BigInteger P, BigInteger Q)[][] Directions)
{
    /// <summary>A release that is the same whichever of the two neighbours comes first.</summary>
    public FinitePlan(PrivacyEvent symmetric, (BigInteger P, BigInteger Q)[] outcomes)
        : this(symmetric, [outcomes])
    {
    }

    /// <summary>The same under Poisson sampling at k/1000: (1-q) Q + q P against Q, and the other way round.</summary>
    public FinitePlan Sampled(int thousandths)
    {
        BigInteger rate = FixedPoint.Of(thousandths, 1000), rest = FixedPoint.One - rate;
        var remove = Directions[0].Select(outcome => (FixedPoint.Times(rest, outcome.Q) + FixedPoint.Times(rate, outcome.P), outcome.Q)).ToArray();
        return new(new PoissonSampledEvent(thousandths / 1000.0, Event), [remove, [.. remove.Select(outcome => (outcome.Item2, outcome.Item1))]]);
    }

    /// <summary>max over directions of the sum of max(0, P - e^epsilon Q), for <paramref name="count"/> releases.</summary>
    public BigInteger Delta(int count, BigInteger expEpsilon) => Directions.Max(outcomes => Delta(outcomes, count, expEpsilon));

    private static BigInteger Delta((BigInteger P, BigInteger Q)[] outcomes, int count, BigInteger expEpsilon)
    {
        // Powers of each mass over factorials: n!/(a! b! ...) p1^a p2^b ... as a product of table entries.
        var tables = outcomes.Select(outcome => (P: Terms(outcome.P, count), Q: Terms(outcome.Q, count))).ToArray();
        var factorial = Enumerable.Range(1, count).Aggregate(BigInteger.One, (product, n) => product * n);
        return Sum(0, count, factorial << FixedPoint.Bits, factorial << FixedPoint.Bits);

        BigInteger Sum(int outcome, int left, BigInteger p, BigInteger q)
        {
            if (outcome == tables.Length - 1)
            {
                BigInteger last = FixedPoint.Times(p, tables[outcome].P[left]), other = FixedPoint.Times(q, tables[outcome].Q[left]);
                return BigInteger.Max(0, last - FixedPoint.Times(expEpsilon, other));
            }

            var sum = BigInteger.Zero;
            for (var times = 0; times <= left; times++)
            {
                sum += Sum(outcome + 1, left - times, FixedPoint.Times(p, tables[outcome].P[times]), FixedPoint.Times(q, tables[outcome].Q[times]));
            }

            return sum;
        }
    }

    private static BigInteger[] Terms(BigInteger mass, int count)
    {
        var terms = new BigInteger[count + 1];
        terms[0] = FixedPoint.One;
        for (var i = 1; i <= count; i++)
        {
            terms[i] = FixedPoint.Times(terms[i - 1], mass) / i;
        }

        return terms;
    }
}
