namespace FederatedDpLlm.Protocol;

/// <summary>Why a node refuses, on the wire. A refused question drew no noise and is charged nowhere.</summary>
public static class RefusalCodes
{
    public const string DataBudgetExhausted = "data_budget_exhausted";
    public const string InvalidQuestion = "invalid_question";
    public const string DuplicateRequest = "duplicate_request";
    public const string NotAllowed = "not_allowed";
    public const string Unavailable = "unavailable";
}
