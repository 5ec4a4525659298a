using FederatedDpLlm.Budgets;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Budgets.Linearizability;

/// <summary>Recorded histories of the real ledger under concurrent callers, held to an account that one caller at a time would see.</summary>
public sealed class LedgerHistoryTests : IDisposable
{
    private const long Budget = 12;

    private readonly LedgerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task Twenty_recorded_histories_are_linearizable() => RecordAndCheckAsync(histories: 20, callers: 8, calls: 12);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public Task Two_hundred_longer_histories_are_linearizable() => RecordAndCheckAsync(histories: 200, callers: 8, calls: 40);

    [Fact]
    public void An_overspent_account_a_double_hold_a_lost_charge_and_a_needless_refusal_are_not()
    {
        Assert.True(Check(Call(LedgerStepKind.Reserve, "r1", 12, "reserved"), Call(LedgerStepKind.Reserve, "r2", 1, "exhausted a")));
        Assert.False(Check(Call(LedgerStepKind.Reserve, "r1", 12, "reserved"), Call(LedgerStepKind.Reserve, "r2", 1, "reserved")));
        Assert.False(Check(Call(LedgerStepKind.Reserve, "r1", 1, "reserved"), Call(LedgerStepKind.Reserve, "r1", 1, "reserved")));
        Assert.False(Check(Call(LedgerStepKind.Reserve, "r1", 11, "exhausted a")));
        Assert.False(Check(
            Call(LedgerStepKind.Reserve, "r1", 12, "reserved"), Call(LedgerStepKind.Commit, "r1", 12, "settled"), Call(LedgerStepKind.Reserve, "r2", 1, "reserved")));
        Assert.False(Check(
            Call(LedgerStepKind.Reserve, "r1", 12, "reserved"), Call(LedgerStepKind.Commit, "r1", 12, "settled"), Call(LedgerStepKind.Release, "r1", 0, "settled")));
    }

    private static AccountCall Call(LedgerStepKind kind, string id, long units, string answer) => new(kind, id, units, answer);

    // Calls one after another.
    private static bool Check(params AccountCall[] calls) =>
        Check([.. calls.Select((call, i) => new TimedCall<AccountCall>(call, 2 * i, (2 * i) + 1))]);

    private static bool Check(IReadOnlyList<TimedCall<AccountCall>> history) =>
        LinearizabilityChecker.IsLinearizable(history, AccountModel.Of(Budget), static (state, call) => state.Step(call));

    private async Task RecordAndCheckAsync(int histories, int callers, int calls)
    {
        await using var ledger = await _folder.OpenAsync();
        var overlapping = 0;
        for (var run = 0; run < histories; run++)
        {
            var history = await RecordAsync(ledger, $"{run}/", callers, calls);
            overlapping += history.Count(call => history.Any(other => other != call && other.Called < call.Returned && call.Called < other.Returned));
            Assert.True(Check(history), $"history {run} is not linearizable");
        }

        Assert.True(overlapping > histories, "the callers hardly met: the check is empty");
    }

    private static async Task<List<TimedCall<AccountCall>>> RecordAsync(SqliteBudgetLedger ledger, string prefix, int callers, int calls)
    {
        await ledger.Ensure(LedgerFolder.Quota(prefix + "a", Budget, ResetSchedule.Never));
        var clock = TimeProvider.System;
        var histories = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            var own = new List<TimedCall<AccountCall>>();
            for (var i = 0; i < calls; i++)
            {
                // Few ids and a small budget, so that callers meet on both.
                var (kind, id, units) = ((LedgerStepKind)random.Next(3), $"r{random.Next(calls)}", (long)random.Next(1, 5));
                var step = new LedgerStep(kind, id, new Dictionary<string, long> { ["a"] = units });
                var called = clock.GetTimestamp();
                var answer = (await step.ApplyAsync(ledger, prefix)).Replace(prefix, string.Empty, StringComparison.Ordinal);
                own.Add(new(new AccountCall(kind, id, units, answer), called, clock.GetTimestamp()));
            }

            return own;
        })));
        return [.. histories.SelectMany(own => own)];
    }
}
