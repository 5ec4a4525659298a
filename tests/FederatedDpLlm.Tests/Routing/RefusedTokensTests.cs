using System.Globalization;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Tests.Budgets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>Calls without a valid token are in the audit log, and a flood of them is not a flood of entries.</summary>
public sealed class RefusedTokensTests : IAsyncLifetime
{
    private readonly LedgerFolder _folder = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 18, 10, 0, 0, TimeSpan.Zero));
    private readonly FaultyStore _faults;
    private readonly SqliteBudgetLedger _ledger;
    private readonly RefusedTokens _refused;

    public RefusedTokensTests()
    {
        _faults = new FaultyStore(new SqliteLedgerStore(_folder.Path));
        _ledger = new SqliteBudgetLedger(_faults, ownership: null, _clock, NullLogger.Instance);
        _refused = new RefusedTokens(_ledger, _clock, NullLogger<RefusedTokens>.Instance);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _refused.StartAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        _refused.Dispose();
        await _ledger.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_first_of_its_kind_is_an_entry_at_once()
    {
        await _refused.CountAsync(TokenFault.Absent);
        await _refused.CountAsync(TokenFault.Expired);
        Assert.Equal([("no-token", 1), ("expired-token", 1)], Entries());
    }

    [Fact]
    public async Task A_flood_is_counted_to_the_last_and_leaves_an_entry_a_minute()
    {
        await Task.WhenAll(Enumerable.Range(0, 10_000).Select(_ => Task.Run(() => _refused.CountAsync(TokenFault.Invalid), Cancel)));
        Assert.Equal([("invalid-token", 1)], Entries());
        for (var minute = 0; minute < 3; minute++)
        {
            _clock.Advance(TimeSpan.FromMinutes(1));
            await UntilAsync(() => Entries().Sum(entry => entry.Count) == 10_000 + (100 * minute));
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _refused.CountAsync(TokenFault.Invalid)));
        }

        await _refused.StopAsync(Cancel);
        var entries = Entries();
        Assert.Equal(10_300, entries.Sum(entry => entry.Count));
        Assert.InRange(entries.Count, 4, 8);
        Assert.Null(AuditLog.Verify(_folder.Path).Problem);
        Assert.All(AuditLog.Latest(_folder.Path, 100), entry => Assert.Equal(("unauthenticated", "nobody"), (entry.Record.RequestId, entry.Record.Actor)));
    }

    [Fact]
    public async Task What_the_ledger_cannot_write_stays_counted()
    {
        _faults.FailBeforeWrite = true;
        await _refused.CountAsync(TokenFault.Invalid);
        await _refused.CountAsync(TokenFault.Invalid);
        Assert.Empty(Entries());
        _faults.FailBeforeWrite = false;
        await _refused.StopAsync(Cancel);
        Assert.Equal([("invalid-token", 2)], Entries());
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var patience = 0; !condition(); patience++)
        {
            Assert.True(patience < 3000, "half a minute later it is not written");
            await Task.Delay(10, Cancel);
        }
    }

    private IReadOnlyList<(string Reason, int Count)> Entries() =>
    [
        .. AuditLog.Latest(_folder.Path, 100).Where(entry => entry.Record.Decision == AuditDecision.Unauthenticated)
            .Select(entry => (entry.Record.Details["reason"], int.Parse(entry.Record.Details["count"], CultureInfo.InvariantCulture))).Reverse(),
    ];
}
