namespace FederatedDpLlm.Budgets;

/// <summary>
/// The <c>privacy_budgets</c> of the configuration: the specification's departments and reset schedule, and beside them the quotas of a user, a purpose and
/// the whole federation. They are policy, not the guarantee: they bound a patient's loss only if askers do not collude. The guarantee is each node's data account.
/// </summary>
public sealed record PrivacyBudgets
{
    /// <summary>Epsilon a window, by department: <c>emergency: 20.0</c>.</summary>
    public required Dictionary<string, double> Departments { get; init; }

    /// <summary>When each department's window ends: <c>emergency: daily</c>. Every department has one.</summary>
    public required Dictionary<string, ResetSchedule> ResetSchedule { get; init; }

    /// <summary>What every single user may use.</summary>
    /// <value>Default: epsilon 20, daily.</value>
    public QuotaBudget User { get; init; } = new() { Epsilon = 20 };

    /// <summary>What may be used for each purpose. Where any is named, a purpose that is not named is refused; where none is, purposes have no quota.</summary>
    public Dictionary<string, QuotaBudget> Purposes { get; init; } = [];

    /// <summary>What all users together may use.</summary>
    /// <value>Default: epsilon 200, daily.</value>
    public QuotaBudget Global { get; init; } = new() { Epsilon = 200 };

    /// <summary>The epsilon of a question that names none, by department.</summary>
    /// <value>Default: 1 for a department that is not named.</value>
    public Dictionary<string, double> DefaultEpsilon { get; init; } = [];

    /// <summary>How costs add up on the quotas: <c>basic</c>, <c>advanced</c>, <c>zcdp</c> or <c>rdp</c>.</summary>
    /// <value>Default: basic, so that the epsilons that people see add up.</value>
    public Composition Composition { get; init; } = Composition.Basic;

    /// <summary>The policy's delta.</summary>
    /// <value>Above 0, below 1. Default: 1e-6.</value>
    public double Delta { get; init; } = 1e-6;

    /// <summary>The one order of <c>composition: rdp</c>, above 1; absent elsewhere.</summary>
    public double? RenyiOrder { get; init; }
}
