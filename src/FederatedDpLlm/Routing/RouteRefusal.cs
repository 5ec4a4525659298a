using FederatedDpLlm.Budgets;
using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>Why a question was not answered. Nothing is charged but <see cref="Lost"/>.</summary>
public abstract record RouteRefusal(string Message)
{
    /// <summary>The reason as the audit log names it.</summary>
    public abstract string Code { get; }

    /// <summary>What earlier draws of this question cost that came to no answer; null where nothing was drawn.</summary>
    public AnswerCost? Lost { get; init; }

    /// <summary>The request itself is at fault. <paramref name="Parameter"/> is its field, as the API names it.</summary>
    public sealed record Invalid(string Parameter, string Message) : RouteRefusal(Message)
    {
        /// <inheritdoc/>
        public override string Code => "invalid-request";
    }

    /// <summary>The caller's role, or the hospitals, do not allow it.</summary>
    public sealed record NotAllowed(string Message) : RouteRefusal(Message)
    {
        /// <inheritdoc/>
        public override string Code => "not-allowed";
    }

    /// <summary>A quota cannot hold the cost; it refills at its reset.</summary>
    public sealed record QuotaExhausted(AccountState Account, BudgetUnits Asked, string Message) : RouteRefusal(Message)
    {
        /// <inheritdoc/>
        public override string Code => "budget-exhausted";
    }

    /// <summary>The hospitals' data accounts are spent. They never refill.</summary>
    public sealed record DataExhausted(Protocol.Account Account, string Message) : RouteRefusal(Message)
    {
        /// <inheritdoc/>
        public override string Code => "data-account-exhausted";
    }

    /// <summary>The request id was used before.</summary>
    public sealed record Duplicate(string Message) : RouteRefusal(Message)
    {
        /// <inheritdoc/>
        public override string Code => "duplicate-request";
    }

    /// <summary>No node can answer now; asking again later may help.</summary>
    public sealed record Unavailable(string Message) : RouteRefusal(Message)
    {
        /// <inheritdoc/>
        public override string Code => "unavailable";
    }
}
