using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Routing;

/// <summary>What a node's refusal means for the asker.</summary>
internal static class NodeRefusals
{
    // Shown to the asker: a node's message is no place for more.
    private const int LongestMessage = 400;
    private const int LongestParameter = 40;

    public static RouteRefusal Read(Refusal refusal, string hospital)
    {
        var message = refusal.Message.Length <= LongestMessage ? refusal.Message : refusal.Message[..LongestMessage] + " ...";
        return refusal.Code switch
        {
            RefusalCodes.DataBudgetExhausted when refusal.Account is { } account && NodeClaims.FaultOf(account, hospital) is null => new RouteRefusal.DataExhausted(account, message),
            RefusalCodes.InvalidQuestion => new RouteRefusal.Invalid(ParameterOf(refusal), message),
            // The node's ledger remembers a draw that the router's does not: one of them was set back, or another router uses the same ids.
            RefusalCodes.DuplicateRequest => new RouteRefusal.Duplicate("A hospital has answered under this request id before. What it drew then is charged there; a new question needs a new id."),
            RefusalCodes.Unavailable => new RouteRefusal.Unavailable(message),
            _ => new RouteRefusal.NotAllowed(message),
        };
    }

    private static string ParameterOf(Refusal refusal) =>
        refusal.Parameter.Length is > 0 and <= LongestParameter && refusal.Parameter.All(one => char.IsAsciiLetter(one) || one is '_' or '.') ? refusal.Parameter : "messages";
}
