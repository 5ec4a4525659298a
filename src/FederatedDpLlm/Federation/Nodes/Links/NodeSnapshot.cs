using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>A node as the router last knew it; immutable, published whole.</summary>
/// <param name="Id">The hospital.</param>
/// <param name="Healthy">Whether it may be asked: it answered its last probe, no call has failed to reach it since, and it does not break at its questions.</param>
/// <param name="InFlight">Questions of this router that it is working on.</param>
/// <param name="LatencyMilliseconds">Exponentially weighted mean of its answers' latency; 0 before the first.</param>
/// <param name="Status">Its last status; null before the first answer.</param>
/// <param name="LastSeen">When it last answered; null before the first answer.</param>
/// <param name="Trouble">Why it is not healthy, or is asked one question only to see whether it is again; null where it is asked as any other.</param>
public sealed record NodeSnapshot(
    string Id, bool Healthy, int InFlight, double LatencyMilliseconds, NodeStatus? Status, DateTimeOffset? LastSeen, string? Trouble)
{
    /// <summary>The share of its data budget that is left, all blocks together: 0 to 1. Blocks that are spent are read no more and must not hide the others.</summary>
    public double DataBudgetLeft => Status is { Accounts.Count: > 0 } status
        && status.Accounts.Sum(account => (double)Math.Max(0, account.BudgetUnits)) is > 0 and var budget
            ? Math.Clamp(status.Accounts.Sum(account => (double)account.BudgetUnits - account.SpentUnits - account.ReservedUnits) / budget, 0, 1)
            : 0;
}
