using CsCheck;
using FederatedDpLlm.Privacy.Accounting.Losses;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>Merging outcomes onto a lattice, against the same rule on a plain list of outcomes, and by hand where rounding or a lack of mass decides.</summary>
public sealed class LossContractionTests
{
    private const double Step = 0.3;

    private static readonly Gen<Masses> Cell = Gen.Select(Gen.Double[0.001, 1], Gen.Double[0.02, 0.98], Gen.Int[0, 4]).Select((p, part, kind) => kind == 0 ? default : new Masses(p, p * Math.Exp(-part * Step)));

    [Fact]
    public void Merged_outcomes_are_those_of_the_rule_on_a_plain_list() => Cell.Array[1, 8].Sample(cells =>
    {
        var merged = new double[cells.Length + 1];
        var rise = new LossContraction(Step, cells).Into(merged);
        var slow = Slow(cells);
        Assert.Equal(slow, merged, (one, other) => Math.Abs(one - other) <= 1e-11);
        Assert.InRange(rise, 0, 1e-12);
        Assert.Equal(cells.Sum(cell => cell.P), merged.Sum(), 1e-12);

        // Forgetting which outcome it was never helps to tell P from Q.
        for (var at = -1.0; at <= cells.Length; at += 0.25)
        {
            var exact = cells.Select((cell, i) => Math.Max(0, cell.P - (Math.Exp((at - i) * Step) * cell.Q))).Sum();
            Assert.True(merged.Select((mass, i) => mass * Math.Max(0, 1 - Math.Exp((at - i) * Step))).Sum() <= exact + 1e-12);
        }
    }, iter: 500);

    [Fact]
    public void A_loss_within_rounding_below_a_lattice_point_lies_on_it_and_says_so()
    {
        var merged = new double[3];
        var rise = new LossContraction(Step, [default, new(0.5, 0.5 * Math.Exp(-Step) / (1 - 2e-13))]).Into(merged);
        Assert.Equal([0, 0, 0.5], merged);
        Assert.InRange(rise, 1e-14, 1e-12);

        // Further below it is not: then it is lowered, as nothing is above to lift it with.
        merged = new double[2];
        Assert.Equal(0, new LossContraction(Step, [new(0.5, 0.5 * Math.Exp(-Step) * (1 + 1e-11))]).Into(merged));
        Assert.Equal([0.5, 0], merged);
    }

    [Fact]
    public void What_only_Q_has_is_given_up_with_what_it_outweighs()
    {
        var merged = new double[3];
        Assert.Equal(0, new LossContraction(Step, [new(1e-6, 9e-7), new(0, 1e-3)]).Into(merged));
        Assert.Equal([0, 0, 0], merged);

        // And is taken up where there is enough: 0.12 is 0.089 one step further down, beside 0.9 of 1.
        Assert.Equal(0, new LossContraction(Step, [new(1, 0.9), new(0, 0.12)]).Into(merged));
        Assert.Equal([1, 0, 0], merged);
        merged[0] = 0;
        Assert.Equal(0, new LossContraction(Step, [new(1, 0.9), new(0, 0.01)]).Into(merged));
        Assert.Equal([1, 0, 0], merged);
    }

    // What P alone has lies far below in a cell of its own; powers of e that overflow on the way there do not matter.
    [Fact]
    public void What_only_P_has_evens_nothing_out()
    {
        var cells = new Masses[80];
        (cells[79], cells[0]) = (new(1, 0.5), new(1e-3, 0));
        var merged = new double[81];
        Assert.Equal(0, new LossContraction(10, cells).Into(merged));
        Assert.Equal(1.001, merged[79], 1e-15);
        Assert.Equal(1.001, merged.Sum(), 1e-15);
    }

    // 1 of loss ln(1/0.99) at the bottom needs this much from above to be lifted to the first lattice point: e^0.3 0.99 - 1 = 0.3364 over gains of 1 - e^-0.3 = 0.2592 and 1 - e^-0.6 = 0.4512.
    [Theory, InlineData(1.28, 0.011, true), InlineData(1.30, 0.0, true), InlineData(1.28, 0.0, false), InlineData(0.8, 0.29, true), InlineData(0.8, 0.28, false), InlineData(0.7, 0.3, false)]
    public void The_lowest_outcomes_are_lifted_where_there_is_enough_above_them(double second, double third, bool isLifted)
    {
        // Outcomes of the second and third lattice points themselves: their cells' upper ends.
        var merged = new double[4];
        new LossContraction(Step, [new(1, 0.99), new(second, second * Math.Exp(-Step)), new(third, third * Math.Exp(-Step))]).Into(merged);
        Assert.Equal(1 + second + third, merged.Sum(), 1e-13);
        Assert.Equal(isLifted ? 0 : 1, merged[0], 1e-13);
        Assert.True(isLifted ? merged[2] < second : merged[2] == second);
        var q = merged.Select((mass, i) => mass * Math.Exp(-i * Step)).Sum() - 0.99 - (second * Math.Exp(-2 * Step)) - (third * Math.Exp(-3 * Step));
        Assert.Equal(isLifted ? 0 : 0.01, q, 1e-13);
    }

    private static double[] Slow(Masses[] cells)
    {
        var left = cells.Select((cell, i) => (cell.P, Q: cell.Q * Math.Exp(-i * Step))).Where(outcome => outcome.P > 0).OrderByDescending(outcome => outcome.P / outcome.Q).ToList();
        var merged = new double[cells.Length + 1];
        for (var at = cells.Length; at >= 0; at--)
        {
            var (p, q, level) = (0.0, 0.0, Math.Exp(at * Step));
            while (left.Count > 0 && left[0].P >= left[0].Q * level * (1 - 1e-12))
            {
                (p, q) = (p + left[0].P, q + left[0].Q);
                left.RemoveAt(0);
            }

            while (p > 0 && p > q * level && left.Count > 0)
            {
                var share = Math.Min(1, (p - (q * level)) / ((left[0].Q * level) - left[0].P));
                (p, q, left[0]) = (p + (share * left[0].P), q + (share * left[0].Q), ((1 - share) * left[0].P, (1 - share) * left[0].Q));
                if (share == 1)
                {
                    left.RemoveAt(0);
                }
                else
                {
                    break;
                }
            }

            var lack = (q * level * Math.Exp(Step)) - p;
            var gains = Enumerable.Range(at + 2, Math.Max(0, cells.Length - at - 1)).Select(j => (At: j, Gain: 1 - Math.Exp((at + 1 - j) * Step))).ToArray();
            if (p > q * level * (1 + 1e-12) && lack > 0 && gains.Sum(gain => gain.Gain * merged[gain.At]) >= lack)
            {
                foreach (var (j, gain) in gains)
                {
                    var taken = Math.Min(merged[j], Math.Max(0, lack) / gain);
                    (merged[j], p, lack) = (merged[j] - taken, p + taken, lack - (taken * gain));
                }

                merged[at + 1] += p;
            }
            else
            {
                merged[at] += p;
            }
        }

        return merged;
    }
}
