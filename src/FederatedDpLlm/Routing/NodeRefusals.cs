using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Routing;

/// <summary>What a node's refusal means for the asker.</summary>
internal static class NodeRefusals
{
    // Shown to the asker: a node's message is no place for more.
    private const int LongestMessage = 400;

    public static RouteRefusal Read(Refusal refusal) => Read(refusal, refusal.Message.Length <= LongestMessage ? refusal.Message : refusal.Message[..LongestMessage] + " ...");

    private static RouteRefusal Read(Refusal refusal, string message) => refusal.Code switch
    {
        RefusalCodes.DataBudgetExhausted when refusal.Account is { } account && NodeClaims.FaultOf(account) is null => new RouteRefusal.DataExhausted(account, message),
        RefusalCodes.InvalidQuestion => new RouteRefusal.Invalid("messages", message),
        // The node's ledger remembers a draw that the router's does not: one of them was set back, or another router uses the same ids.
        RefusalCodes.DuplicateRequest => new RouteRefusal.Duplicate("A hospital has answered under this request id before. What it drew then is charged there; a new question needs a new id."),
        RefusalCodes.Unavailable => new RouteRefusal.Unavailable(message),
        _ => new RouteRefusal.NotAllowed(message),
    };
}
