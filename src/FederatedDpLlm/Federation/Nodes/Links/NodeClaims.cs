using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>What a node may say of itself. A peer is hostile until checked: once, here, so that nothing behind it has to ask again.</summary>
public static class NodeClaims
{
    /// <summary>The most voters of one node: as many as a hospital may split its patients over.</summary>
    public const int MostVoters = 10_000;

    /// <summary>The most requests of one engine that can be believed.</summary>
    public const int MostRequests = 1_000_000;

    private const int MostAccounts = 512;
    private const int LongestName = 256;

    /// <returns>Why a status cannot be believed; null where it can.</returns>
    public static string? FaultOf(NodeStatus status, string hospital) => status switch
    {
        _ when status.Hospital != hospital => "it says that it is another hospital",
        { Model.Length: 0 or > LongestName } => $"its model's name is empty or longer than {LongestName} characters",
        _ when !ModelDigest.IsOne(status.ModelDigest) => "it does not say which weights it serves",
        { Voters: < 1 or > MostVoters } => $"it claims {status.Voters} voters; between 1 and {MostVoters} can be counted",
        { InFlight: < 0 } => "it claims fewer than no questions in flight",
        { Engine: { } engine } when !IsCount(engine.Running) || !IsCount(engine.Waiting) || !IsCount(engine.Slots) =>
            $"it claims a load of its engine that is none; between 0 and {MostRequests} requests can be counted",
        { Accounts.Count: > MostAccounts } => $"it names more than {MostAccounts} accounts",
        _ => status.Accounts.Select(account => FaultOf(account, hospital)).FirstOrDefault(fault => fault is not null),
    };

    private static bool IsCount(int requests) => requests is >= 0 and <= MostRequests;

    /// <returns>Why an account of this hospital cannot be believed; null where it can.</returns>
    public static string? FaultOf(Account account, string hospital) => account switch
    {
        _ when !account.Id.StartsWith($"data:{hospital}/", StringComparison.Ordinal) => "an account that is not its own",
        { Id.Length: 0 or > LongestName } or { Currency.Length: 0 or > LongestName } => "an account without a name, or with too long a one",
        _ when account.Id.Any(char.IsControl) || account.Currency.Any(char.IsControl) => "an account whose name holds control characters",
        { BudgetUnits: < 0 } or { SpentUnits: < 0 } or { ReservedUnits: < 0 } or { ChargedUnits: < 0 } => "an account with a negative amount",
        _ when !double.IsFinite(account.Delta) || !double.IsFinite(account.EpsilonBudget) || !double.IsFinite(account.EpsilonRemaining) => "an account with a figure that is no number",
        _ => null,
    };

    /// <summary>What an account without a fault has left, in units: at least 0, as a policy that was lowered may lie below what is spent.</summary>
    public static long UnitsLeft(Account account) =>
        account.SpentUnits >= account.BudgetUnits || account.ReservedUnits >= account.BudgetUnits - account.SpentUnits ? 0 : account.BudgetUnits - account.SpentUnits - account.ReservedUnits;
}
