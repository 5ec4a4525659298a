namespace FederatedDpLlm.Routing;

/// <summary>One question as the page shows it.</summary>
public sealed record RouteJournalLine(
    DateTimeOffset At,
    string RequestId,
    string User,
    string Department,
    string Purpose,
    string Mechanism,
    string Trust,
    string? Strategy,
    IReadOnlyList<string> Nodes,
    double Epsilon,
    double LatencyMilliseconds,
    string Outcome);
