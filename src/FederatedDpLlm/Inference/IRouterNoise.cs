namespace FederatedDpLlm.Inference;

/// <summary>The router's side of <see cref="NoisePlace.Router"/>: adds up the nodes' integers and draws the noise once.</summary>
public interface IRouterNoise
{
    /// <summary>The price of a question over all taking nodes' voters together. Reads public values only.</summary>
    PlanOutcome Plan(Question question, int federationVoters);

    /// <summary>Releases an option from the nodes' votes.</summary>
    /// <returns>The option's index in the question's order.</returns>
    /// <exception cref="InvalidPartException">A node's part has the wrong shape, or the voters do not add up to the plan's.</exception>
    int Choose(AnswerPlan plan, IReadOnlyList<VoteCounts> parts);

    /// <summary>Opens the drawing of one answer's tokens.</summary>
    IRouterDecoding OpenDecoding(AnswerPlan plan);
}
