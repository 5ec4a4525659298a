using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference;

/// <summary>The router's side of <see cref="NoisePlace.Router"/>: adds up the nodes' integers, which must fit the plan, and draws the noise once over all of them.</summary>
public sealed class RouterNoise(ISecureRandom random)
{
    /// <summary>The price of a question over all taking nodes' voters together. Reads public values only.</summary>
    public PlanOutcome Plan(Question question, int federationVoters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(federationVoters, 1);
        return AnswerPlanner.Plan(question, NoisePlace.Router, federationVoters);
    }

    /// <summary>Releases an option from the nodes' votes.</summary>
    /// <returns>The option's index in the question's order.</returns>
    /// <exception cref="InvalidPartException">A node's part has the wrong shape, or the voters do not add up to the plan's.</exception>
    public int Choose(AnswerPlan plan, IReadOnlyList<VoteCounts> parts)
    {
        RequireVoters(plan, parts.Select(part => part.Voters));
        var totals = new long[plan.Question.Choices.Count];
        foreach (var (index, part) in parts.Index())
        {
            if (part.Counts.Count != totals.Length || part.Counts.Any(count => count < 0 || count > part.Voters) || part.Counts.Sum() != part.Voters)
            {
                throw new InvalidPartException("A node's votes do not fit its voters and the options.") { Part = index };
            }

            foreach (var (option, count) in part.Counts.Index())
            {
                totals[option] += count;
            }
        }

        return plan.Choice?.Choose(totals, random) ?? throw new ArgumentException("The plan is no choice.", nameof(plan));
    }

    /// <summary>Opens the drawing of one answer's tokens.</summary>
    public RouterDecoding OpenDecoding(AnswerPlan plan) => new RouterDecoding(plan, random);

    // A missing node would make the mean's divisor, and with it the promise, another one than planned.
    internal static void RequireVoters(AnswerPlan plan, IEnumerable<int> voters)
    {
        if (plan.Noise != NoisePlace.Router)
        {
            throw new ArgumentException("The plan's noise is the node's.", nameof(plan));
        }

        var sum = voters.Aggregate(0L, (total, count) => count >= 1 ? total + count : throw new InvalidPartException("A node without voters."));
        if (sum != plan.Voters)
        {
            throw new InvalidPartException($"{sum} voters took part where the plan counts {plan.Voters}.");
        }
    }
}
