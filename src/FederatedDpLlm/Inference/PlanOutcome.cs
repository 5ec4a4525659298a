using System.Diagnostics.CodeAnalysis;

namespace FederatedDpLlm.Inference;

/// <summary>A plan, or the reason why there is none: exactly one of the two.</summary>
public sealed record PlanOutcome
{
    private PlanOutcome(AnswerPlan? plan, PlanRefusal? refusal) => (Plan, Refusal) = (plan, refusal);

    public AnswerPlan? Plan { get; }

    public PlanRefusal? Refusal { get; }

    [MemberNotNullWhen(true, nameof(Plan))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsPlanned => Plan is not null;

    public static PlanOutcome Planned(AnswerPlan plan) => new(plan, null);

    public static PlanOutcome Refused(string parameter, string message) => new(null, new PlanRefusal(parameter, message));
}
