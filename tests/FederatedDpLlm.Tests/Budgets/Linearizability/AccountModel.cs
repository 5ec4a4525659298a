using System.Collections.Immutable;

namespace FederatedDpLlm.Tests.Budgets.Linearizability;

/// <summary>One account as a sequential object. A request is seen once for ever, fits or is refused, settles once.</summary>
internal sealed record AccountModel(long Budget, long Spent, ImmutableSortedDictionary<string, long> Requests)
{
    // A settled request stays in the dictionary as -1: seen, no longer held.
    private const long Settled = -1;

    public static AccountModel Of(long budget) => new(budget, 0, ImmutableSortedDictionary<string, long>.Empty);

    public AccountModel? Step(AccountCall call)
    {
        var held = Requests.TryGetValue(call.RequestId, out var amount) ? amount : (long?)null;
        return call.Kind switch
        {
            LedgerStepKind.Reserve => Reserve(call, held),
            LedgerStepKind.Commit => held >= call.Units ? Answered(call, "settled", Settle(call, call.Units)) : Answered(call, "error", this),
            _ => held >= 0 ? Answered(call, "settled", Settle(call, 0)) : Answered(call, "error", this),
        };
    }

    public bool Equals(AccountModel? other) => other is not null && Budget == other.Budget && Spent == other.Spent && Requests.SequenceEqual(other.Requests);

    public override int GetHashCode() => Requests.Aggregate(HashCode.Combine(Budget, Spent), (hash, request) => HashCode.Combine(hash, request.Key, request.Value));

    private static AccountModel? Answered(AccountCall call, string answer, AccountModel after) => call.Answer == answer ? after : null;

    private AccountModel? Reserve(AccountCall call, long? held)
    {
        if (held is not null)
        {
            return Answered(call, "seen", this);
        }

        var reserved = Requests.Values.Where(amount => amount > 0).Sum();
        return Spent + reserved + call.Units <= Budget
            ? Answered(call, "reserved", this with { Requests = Requests.Add(call.RequestId, call.Units) })
            : Answered(call, "exhausted a", this);
    }

    private AccountModel Settle(AccountCall call, long spent) => this with { Spent = Spent + spent, Requests = Requests.SetItem(call.RequestId, Settled) };
}
