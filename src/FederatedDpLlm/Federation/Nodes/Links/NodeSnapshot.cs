using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>A node as the router last knew it; immutable, published whole.</summary>
/// <param name="Id">The hospital.</param>
/// <param name="Healthy">Whether it is there: it answered its last probe as itself, and no call has failed to reach it since.</param>
/// <param name="InFlight">Questions of this router that it is working on.</param>
/// <param name="LatencyMilliseconds">Exponentially weighted mean of its answers' latency; 0 before the first.</param>
/// <param name="Status">Its last status; null before the first answer.</param>
/// <param name="LastSeen">When it last answered; null before the first answer.</param>
/// <param name="Trouble">Why it is not healthy, or at what it broke; null where it is asked as any other.</param>
public sealed record NodeSnapshot(
    string Id, bool Healthy, int InFlight, double LatencyMilliseconds, NodeStatus? Status, DateTimeOffset? LastSeen, string? Trouble)
{
    /// <summary>The kinds of question that it was asked, and how it does at them.</summary>
    public IReadOnlyList<KindState> Kinds { get; init; } = [];

    /// <summary>Whether it may be asked: it is there, and does not break at every kind of question that it was asked.</summary>
    public bool MayAnswer => Healthy && (Kinds.Count == 0 || Kinds.Any(kind => kind.MayAsk));

    /// <summary>In a word, for people.</summary>
    public string State => !Healthy ? "down"
        : !Kinds.Any(kind => kind.IsPaused) ? "answers"
        : Kinds.Any(kind => !kind.IsPaused) ? "answers in part"
        : MayAnswer ? "on trial"
        : "left alone";

    /// <summary>The share of its data budget that is left, all blocks together: 0 to 1. Blocks that are spent are read no more and must not hide the others.</summary>
    public double DataBudgetLeft => Status is { Accounts.Count: > 0 } status
        && status.Accounts.Sum(account => (double)Math.Max(0, account.BudgetUnits)) is > 0 and var budget
            ? Math.Clamp(status.Accounts.Sum(account => (double)account.BudgetUnits - account.SpentUnits - account.ReservedUnits) / budget, 0, 1)
            : 0;

    /// <summary>
    /// How many rounds of its engine's work stand before a new question there: an engine without a free slot ends one first, and what waits for it comes before. 0 where the engine says nothing, or has room.
    /// </summary>
    public double EngineRounds => Status?.Engine switch
    {
        null => 0,
        { HasSlots: true, Slots: > 0 } engine => (engine.Running >= engine.Slots ? 1 : 0) + ((double)engine.Waiting / engine.Slots),
        // As many at once as it works on now: it would take more if it could.
        var engine => (double)engine.Waiting / Math.Max(1, engine.Running),
    };

    internal static string? TroubleOf(IReadOnlyList<KindState> kinds) =>
        string.Join("; ", kinds.Where(kind => kind.Trouble is not null).Select(kind => $"{kind.Kind.Name}: {kind.Trouble}")) is { Length: > 0 } trouble ? trouble : null;
}
