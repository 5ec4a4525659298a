using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>Refusals as OpenAI errors: what was refused, what remains, when it resets.</summary>
internal static class RefusalErrors
{
    public static OpenAiError ToError(RouteRefusal refusal, DateTimeOffset now) => Shape(refusal, now) with { MayHaveSpent = refusal.Lost is not null };

    private static OpenAiError Shape(RouteRefusal refusal, DateTimeOffset now) => refusal switch
    {
        RouteRefusal.Invalid invalid => OpenAiError.Invalid(invalid.Parameter, invalid.Message),
        RouteRefusal.NotAllowed => new OpenAiError(StatusCodes.Status403Forbidden, "permission_error", "not_allowed", refusal.Message),
        RouteRefusal.QuotaExhausted quota => new OpenAiError(
            StatusCodes.Status429TooManyRequests, "rate_limit_exceeded", "rate_limit_exceeded", refusal.Message, null, Describe(quota.Account),
            quota.Account.ResetsAt is { } resets ? Math.Max(1, (resets - now).TotalSeconds) : null),
        RouteRefusal.DataExhausted data => new OpenAiError(
            StatusCodes.Status429TooManyRequests, "insufficient_quota", "insufficient_quota", refusal.Message, null, Describe(data.Account)),
        RouteRefusal.Duplicate => new OpenAiError(StatusCodes.Status409Conflict, "invalid_request_error", "duplicate_request", refusal.Message, "Idempotency-Key"),
        _ => new OpenAiError(StatusCodes.Status503ServiceUnavailable, "server_error", "unavailable", refusal.Message, null, null, 2),
    };

    private static AccountResponse Describe(AccountState account) => new(
        account.Policy.Id.Value, account.Policy.Kind == AccountKind.Data ? "data" : "quota", 0, account.Remaining.ToDouble(), account.ResetsAt,
        AccountWire.CurrencyName(account.Policy.Composition));

    private static AccountResponse Describe(Protocol.Account account) => new(
        account.Id, "data", 0, new BudgetUnits(NodeClaims.UnitsLeft(account)).ToDouble(), null, account.Currency);
}
