using System.Globalization;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>kill -9 in the middle of load: nothing acknowledged is lost, nothing is overspent, what was open is spent.</summary>
public sealed class LedgerKillTests : IDisposable
{
    private const int Callers = 24;
    private const long QuotaUnits = 1_000_000;

    private readonly LedgerFolder _folder = new();
    private readonly Dictionary<string, long> _holds = [];
    private readonly Dictionary<string, long> _charged = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task A_ledger_killed_under_load_keeps_every_acknowledgement() => KillAgainAndAgainAsync(cycles: 3, dataUnits: 2_000);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public Task A_ledger_killed_sixty_times_under_load_keeps_every_acknowledgement() => KillAgainAndAgainAsync(cycles: 60, dataUnits: 60_000);

    [Fact, Trait(TestLength.Name, TestLength.Long)]
    public async Task A_ledger_killed_two_thousand_times_under_load_keeps_every_acknowledgement()
    {
        // A fresh ledger now and then keeps the checks, which read all of it, short.
        for (var ledger = 0; ledger < 40; ledger++)
        {
            await KillAgainAndAgainAsync(cycles: 50, dataUnits: 50_000);
            File.Delete(_folder.Path);
        }
    }

    private async Task KillAgainAndAgainAsync(int cycles, long dataUnits)
    {
        await using (var ledger = await _folder.OpenAsync())
        {
            await ledger.Ensure(LedgerFolder.Quota("user:alice", QuotaUnits, ResetSchedule.Never));
            await ledger.Ensure(LedgerFolder.DataAccount("data:h/b", dataUnits));
        }

        var acknowledged = 0;
        var delays = new Random(20261123);
        for (var cycle = 0; cycle < cycles; cycle++)
        {
            using var load = LedgerLoad.Start(_folder.Path, $"c{cycle}", Callers);
            var lines = await load.KillAfterAsync(TimeSpan.FromMilliseconds(delays.Next(1, 250)), LedgerFolder.Cancel);
            acknowledged += Parse(lines, "reserved").Count;
            await CheckAsync(lines);
        }

        // The proof is empty unless something was acknowledged and something was cut off.
        Assert.True(acknowledged > cycles, $"only {acknowledged} acknowledgements");
        Assert.Contains(AuditLog.Latest(_folder.Path, int.MaxValue), entry => entry.Record.Decision == AuditDecision.Recovered);
    }

    private async Task CheckAsync(IReadOnlyList<string> lines)
    {
        var settling = Parse(lines, "settling").Select(line => line.Id).ToHashSet();
        var reserved = Parse(lines, "reserved");
        await using (var ledger = await _folder.OpenAsync())
        {
            var state = ledger.Find(AccountId.Data("h", "b"))!;
            Assert.True(state.Spent <= state.Budget, "overspent");
            Assert.Equal(0, state.Reserved.Value);
            Assert.Equal(state.Spent, ledger.Find(AccountId.User("alice"))!.Spent);
            if (reserved.Count > 0)
            {
                Assert.True(Assert.IsType<ReserveOutcome.AlreadySeen>(await ledger.Reserve(reserved[^1].Id, ("user:alice", 1))).Settled);
            }
        }

        ReadLog();
        foreach (var (id, units) in reserved)
        {
            Assert.Equal(units, _holds[id]);
            if (!settling.Contains(id))
            {
                Assert.Equal(units, _charged[id]);
            }
        }

        Assert.All(Parse(lines, "committed"), commit => Assert.Equal(commit.Units, _charged[commit.Id]));
        Assert.All(Parse(lines, "released"), release => Assert.Equal(0, _charged[release.Id]));
        Assert.Equal(_holds.Keys.Order(), _charged.Keys.Order());
        Assert.Empty(LedgerVerifier.Verify(_folder.Path).Problems);
        Assert.Null(AuditLog.Verify(_folder.Path).Problem);
    }

    // What the log says was held and charged on the data account, request by request.
    private void ReadLog()
    {
        _holds.Clear();
        _charged.Clear();
        foreach (var entry in AuditLog.Latest(_folder.Path, int.MaxValue))
        {
            foreach (var movement in entry.Movements.Where(movement => movement.Account == "data:h/b"))
            {
                Assert.True((movement.Held > 0 ? _holds : _charged).TryAdd(entry.Record.RequestId, movement.Held > 0 ? movement.Held : movement.Spent), "held or settled twice");
            }
        }
    }

    private static List<(string Id, long Units)> Parse(IReadOnlyList<string> lines, string kind) =>
    [
        .. lines.Select(line => line.Split(' ')).Where(words => words[0] == kind)
            .Select(words => (words[1], words.Length > 2 ? long.Parse(words[2], CultureInfo.InvariantCulture) : 0)),
    ];
}
