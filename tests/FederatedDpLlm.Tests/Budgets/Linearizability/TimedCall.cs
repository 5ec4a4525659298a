namespace FederatedDpLlm.Tests.Budgets.Linearizability;

/// <summary>One call of a recorded history, with its answer; times are any counter on which calls and returns are ordered.</summary>
/// <param name="Returned"><see cref="long.MaxValue"/> where no answer was ever seen.</param>
internal sealed record TimedCall<TCall>(TCall Call, long Called, long Returned);
