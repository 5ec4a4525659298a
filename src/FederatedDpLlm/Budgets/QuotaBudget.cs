namespace FederatedDpLlm.Budgets;

/// <summary>One quota of the policy: <c>{epsilon: 20, reset: daily}</c>.</summary>
public sealed record QuotaBudget
{
    /// <summary>Epsilon a window, at the policy's delta: 0 to 8,191.</summary>
    public required double Epsilon { get; init; }

    /// <summary><c>daily</c>, <c>weekly</c>, <c>monthly</c> or <c>never</c>, at UTC borders.</summary>
    /// <value>Default: daily.</value>
    public ResetSchedule Reset { get; init; } = ResetSchedule.Daily;
}
