namespace FederatedDpLlm.Budgets;

/// <summary>When a quota's window ends (UTC: midnight, Monday's midnight, the first of the month). Data accounts are always <see cref="Never"/>.</summary>
public enum ResetSchedule
{
    Never,
    Daily,
    Weekly,
    Monthly,
}
