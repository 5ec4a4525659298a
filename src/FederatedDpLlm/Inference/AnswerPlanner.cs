using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Mechanisms;

namespace FederatedDpLlm.Inference;

/// <summary>Makes plans: mechanism parameters come from the asked epsilon through the accountant, never by hand.</summary>
internal static class AnswerPlanner
{
    private const string PublicModel = "public-model";

    // A shard holds many patients, so one patient can turn its voter from anything into anything.
    private const NeighbouringRelation Relation = NeighbouringRelation.ReplaceOne;

    /// <param name="question">The question.</param>
    /// <param name="noise">Who draws the noise.</param>
    /// <param name="voters">All voters that the mechanism averages over.</param>
    public static PlanOutcome Plan(Question question, NoisePlace noise, int voters)
    {
        if (QuestionRules.Fault(question) is { } fault)
        {
            return PlanOutcome.Refused(fault.Parameter, fault.Message);
        }

        return question.Mechanism switch
        {
            AnswerMechanism.Public => PlanOutcome.Planned(new AnswerPlan(question, noise, 0, AnswerCost.Free, PublicModel)),
            AnswerMechanism.Choice => PlanChoice(question, noise, voters),
            _ => PlanDecoding(question, noise, voters),
        };
    }

    private static PlanOutcome PlanChoice(Question question, NoisePlace noise, int voters)
    {
        var choice = ExponentialMechanism.ForEpsilon(question.Epsilon, Relation);
        return PlanOutcome.Planned(new AnswerPlan(question, noise, voters, AnswerCost.Of(choice.Event, 1, question.Delta), null) { Choice = choice });
    }

    private static PlanOutcome PlanDecoding(Question question, NoisePlace noise, int voters)
    {
        try
        {
            var decoding = ClippedLogitDecoding.ForEpsilon(question.Epsilon, question.Delta, question.MaxTokens, voters, question.Temperature, Relation);
            var cost = AnswerCost.Of(((RepeatedEvent)decoding.Event(1)).Part, question.MaxTokens, question.Delta);
            return PlanOutcome.Planned(new AnswerPlan(question, noise, voters, cost, null) { Decoding = decoding });
        }
        catch (ArgumentOutOfRangeException error) when (error.ParamName == "epsilon")
        {
            return PlanOutcome.Refused("privacy.epsilon", $"An epsilon of {question.Epsilon} is too small for {question.MaxTokens} tokens over {voters} voters: ask for more epsilon or fewer tokens.");
        }
    }
}
