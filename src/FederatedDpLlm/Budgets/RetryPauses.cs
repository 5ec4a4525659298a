namespace FederatedDpLlm.Budgets;

/// <summary>How long a ledger whose store has failed waits before it tries again: twice as long each time, from a quarter of a second to half a minute.</summary>
internal static class RetryPauses
{
    public static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    public static TimeSpan After(TimeSpan pause) => pause + pause < Longest ? pause + pause : Longest;
}
