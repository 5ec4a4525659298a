using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// Settlements whose write failed, made again with growing pauses until they are on disk: a hold never waits for a restart, and is never settled twice.
/// </summary>
internal sealed partial class LateSettlements(LedgerWriter writer, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<LedgerBatch, Settlement>> _waiting = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private Task _loop = Task.CompletedTask;
    private bool _running;
    private bool _disposed;

    public int Count => _waiting.Count;

    /// <summary>Settles now; where the store fails, the caller hears of it and <paramref name="late"/> follows when it can.</summary>
    public async Task<Settlement> SettleAsync(
        string requestId, Func<LedgerBatch, Settlement> settle, Func<LedgerBatch, Settlement> late, CancellationToken cancellationToken)
    {
        // A caller who tries again himself takes over.
        _waiting.TryRemove(requestId, out _);
        try
        {
            return await writer.CallAsync(settle, cancellationToken).ConfigureAwait(false);
        }
        catch (BudgetStoreException)
        {
            Wait(requestId, late);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task loop;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            (_disposed, loop) = (true, _loop);
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private void Wait(string requestId, Func<LedgerBatch, Settlement> late)
    {
        lock (_gate)
        {
            _waiting[requestId] = late;
            if (!_running && !_disposed)
            {
                _running = true;
                _loop = Task.Run(RunAsync);
            }
        }
    }

    private async Task RunAsync()
    {
        try
        {
            for (var pause = RetryPauses.First; ; pause = RetryPauses.After(pause))
            {
                await Task.Delay(pause, clock, _stopping.Token).ConfigureAwait(false);
                await TryAllAsync().ConfigureAwait(false);
                lock (_gate)
                {
                    if (_waiting.IsEmpty)
                    {
                        _running = false;
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The ledger closes: what is still open counts as spent at the next start.
        }
    }

    private async Task TryAllAsync()
    {
        foreach (var (requestId, settle) in _waiting)
        {
            try
            {
                await writer.CallAsync(settle, _stopping.Token).ConfigureAwait(false);
                SettledLate(logger, requestId);
            }
            catch (BudgetStoreException)
            {
                return;
            }
            catch (InvalidOperationException)
            {
                // It has reached the disk after all: there is no hold any more.
            }

            _waiting.TryRemove(KeyValuePair.Create(requestId, settle));
        }
    }

    [LoggerMessage(2101, LogLevel.Information, "Request {RequestId} is settled, after its first settlement could not be written.")]
    private static partial void SettledLate(ILogger logger, string requestId);
}
