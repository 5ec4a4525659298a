using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Authentication;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Routing;

/// <summary>
/// Calls without a valid token, in the audit log: of each kind the first is an entry at once, those that follow within a minute are one entry together. Whoever floods the port
/// fills no disk, and none of what he sent is kept.
/// </summary>
public sealed partial class RefusedTokens(IBudgetLedger ledger, TimeProvider clock, ILogger<RefusedTokens> logger) : BackgroundService
{
    /// <summary>The request id of such an entry: no request was read.</summary>
    public const string RequestId = "unauthenticated";

    private static readonly TimeSpan OneEntryIn = TimeSpan.FromMinutes(1);
    private readonly Dictionary<TokenFault, Tally> _tallies = Enum.GetValues<TokenFault>().ToDictionary(fault => fault, _ => new Tally());

    /// <summary>Counts one; the first of a minute is durable when this returns, unless the ledger cannot be written.</summary>
    public Task CountAsync(TokenFault fault)
    {
        lock (_tallies)
        {
            var tally = _tallies[fault];
            tally.Count++;
            return tally.WrittenAt is { } at && clock.GetElapsedTime(at) < OneEntryIn ? Task.CompletedTask : WriteAsync(fault, tally);
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteAllAsync();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(OneEntryIn, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await WriteAllAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
    }

    private Task WriteAllAsync()
    {
        lock (_tallies)
        {
            return Task.WhenAll(_tallies.Where(pair => pair.Value.Count > 0).Select(pair => WriteAsync(pair.Key, pair.Value)).ToList());
        }
    }

    // Called under the lock, which it does not hold while the ledger writes.
    private Task WriteAsync(TokenFault fault, Tally tally)
    {
        var count = tally.Count;
        (tally.Count, tally.WrittenAt) = (0, clock.GetTimestamp());
        return RecordAsync(fault, tally, count);
    }

    private async Task RecordAsync(TokenFault fault, Tally tally, long count)
    {
        try
        {
            await ledger.RecordAsync(
                new AuditRecord(RequestId, AuditDecision.Unauthenticated, "nobody", new Dictionary<string, string>
                {
                    ["reason"] = CodeOf(fault),
                    ["count"] = count.ToString(System.Globalization.CultureInfo.InvariantCulture),
                }),
                CancellationToken.None);
        }
        catch (BudgetStoreException error)
        {
            // They stay counted, for the next entry that can be written.
            NotWritten(logger, error);
            lock (_tallies)
            {
                tally.Count += count;
            }
        }
    }

    private static string CodeOf(TokenFault fault) => fault switch
    {
        TokenFault.Absent => "no-token",
        TokenFault.Expired => "expired-token",
        TokenFault.MayNotObserve => "role-may-not-observe",
        _ => "invalid-token",
    };

    private sealed class Tally
    {
        public long Count { get; set; }

        public long? WrittenAt { get; set; }
    }

    [LoggerMessage(4201, LogLevel.Warning, "Refused tokens could not be written to the audit log yet.")]
    private static partial void NotWritten(ILogger logger, Exception error);
}
