using System.Runtime.CompilerServices;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Benchmarks.Ledger;

/// <summary>Durable admission: reserve and commit on four accounts (user, department, purpose, global), both fsynced, with their audit entries.</summary>
internal sealed class LedgerClaim : IClaim
{
    private const string Peer = "SQLite, one transaction per call";
    private const int Rounds = 5;
    private static readonly TimeSpan RoundLength = TimeSpan.FromSeconds(2);
    private static readonly string[] Accounts = ["user:alice", "department:emergency", "purpose:treatment", "global"];

    public string Name => "ledger-sqlite";

    public string Description => "reserve + commit per second on SQLite (WAL, synchronous=FULL), 4 accounts a request, with 1, 16 and 256 callers";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var callers in (int[])[1, 16, 256])
        {
            yield return await MeasureAsync(callers, cancellationToken);
        }
    }

    // Rounds alternate, so that whatever else the machine does falls on both.
    private static async Task<Measurement> MeasureAsync(int callers, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-bench-");
        try
        {
            await using var ledger = await OpenAsync(Path.Combine(folder.FullName, "ledger.db"), cancellationToken);
            using var peer = new OneTransactionPerCall(Path.Combine(folder.FullName, "peer.db"), Accounts);
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (var round = -1; round < Rounds; round++)
            {
                var prefix = $"{callers}.{round}.";
                var own = await RateAsync(callers, id => PairAsync(ledger, prefix + id, cancellationToken));
                var other = await RateAsync(callers, id => PairAsync(peer, prefix + id));
                if (round >= 0)
                {
                    ours.Add(own);
                    theirs.Add(other);
                }
            }

            return new Measurement($"{callers} {(callers == 1 ? "caller" : "callers")}", Median.Of(ours), "requests/s", Peer, Median.Of(theirs));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<SqliteBudgetLedger> OpenAsync(string path, CancellationToken cancellationToken)
    {
        var ledger = await SqliteBudgetLedger.OpenAsync(path, TimeProvider.System, NullLogger<SqliteBudgetLedger>.Instance, cancellationToken);
        foreach (var account in Accounts)
        {
            await ledger.EnsureAccountAsync(
                new AccountPolicy(new AccountId(account), AccountKind.Quota, Composition.Basic, 8000, 1e-6, ResetSchedule.Daily), cancellationToken);
        }

        return ledger;
    }

    private static async Task PairAsync(SqliteBudgetLedger ledger, string id, CancellationToken cancellationToken)
    {
        Charge[] charges = [.. Accounts.Select(account => new Charge(new AccountId(account), new BudgetUnits(1000)))];
        if (await ledger.ReserveAsync(id, charges, Entry(AuditDecision.Admitted), cancellationToken) is not ReserveOutcome.Reserved)
        {
            throw new InvalidOperationException("The benchmark's budget is spent.");
        }

        await ledger.CommitAsync(id, charges, Entry(AuditDecision.Answered), cancellationToken);
    }

    private static async Task PairAsync(OneTransactionPerCall ledger, string id)
    {
        await ledger.ReserveAsync(id, Accounts, 1000);
        await ledger.CommitAsync(id, Accounts, 1000);
    }

    private static async Task<double> RateAsync(int callers, Func<string, Task> pair)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        var done = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var turn = 0;
            for (; clock.GetElapsedTime(started) < RoundLength; turn++)
            {
                await pair($"{caller}.{turn}");
            }

            return turn;
        })));
        return done.Sum() / clock.GetElapsedTime(started).TotalSeconds;
    }

    private static AuditRecord Entry(AuditDecision decision) => new(
        "-", decision, "alice",
        new Dictionary<string, string> { ["department"] = "emergency", ["purpose"] = "treatment", ["mechanism"] = "choice", ["epsilon"] = "1", ["node"] = "mercy" });
}
