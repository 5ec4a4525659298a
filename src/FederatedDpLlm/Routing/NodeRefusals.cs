using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Routing;

/// <summary>What a node's refusal means for the asker.</summary>
internal static class NodeRefusals
{
    public static RouteRefusal Read(Refusal refusal) => refusal.Code switch
    {
        RefusalCodes.DataBudgetExhausted when refusal.Account is { } account => new RouteRefusal.DataExhausted(account, refusal.Message),
        RefusalCodes.InvalidQuestion => new RouteRefusal.Invalid("messages", refusal.Message),
        // The node's ledger remembers a draw that the router's does not: one of them was set back, or another router uses the same ids.
        RefusalCodes.DuplicateRequest => new RouteRefusal.Duplicate("A hospital has answered under this request id before. What it drew then is charged there; a new question needs a new id."),
        _ => new RouteRefusal.NotAllowed(refusal.Message),
    };
}
