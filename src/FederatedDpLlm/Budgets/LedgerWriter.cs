using System.Threading.Channels;
using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The ledger's one writer. It drains a channel, applies what it finds to a copy of the book, writes all of it in one commit, publishes the new book and
/// only then answers. While it waits for the disk the next batch gathers: the busier the ledger, the more calls share an fsync.
/// </summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private const int LargestBatch = 1024;
    private const int LongestQueue = 16 * 1024;

    // Written where no call was there to write: only a write tells that the disk takes one.
    private static readonly AuditRecord Repaired = new("ledger", AuditDecision.Recovered, "ledger", new Dictionary<string, string> { ["reason"] = "the ledger can be written again" });

    private readonly ILedgerStore _store;
    private readonly LedgerClock _clock;
    private readonly ILogger _logger;
    private readonly Channel<LedgerCall> _calls =
        Channel.CreateBounded<LedgerCall>(new BoundedChannelOptions(LongestQueue) { SingleReader = true, AllowSynchronousContinuations = false });

    // Reservations of a batch whose write failed: only the next load tells whether they reached the disk.
    private readonly HashSet<string> _unknownFate = new(StringComparer.Ordinal);
    private readonly Task _loop;
    private LedgerBook _book;
    private bool _mustReload;

    /// <summary>Takes over a store: loads it and settles as spent what a crash left open.</summary>
    /// <exception cref="BudgetStoreException">The store cannot be read or written.</exception>
    public LedgerWriter(ILedgerStore store, LedgerClock clock, ILogger logger)
    {
        (_store, _clock, _logger) = (store, clock, logger);
        _book = store.Load();
        Recover([.. _book.Open.Keys], "the process stopped before the request settled");
        _loop = Task.Run(RunAsync);
    }

    /// <summary>The ledger as of the last commit.</summary>
    public LedgerBook Book => Volatile.Read(ref _book);

    /// <summary>
    /// Why somebody must look after the ledger: from a failed write until a later one succeeds, while quotas would refill by a clock that is not believed, and where they would not refill because the last entry's
    /// time is yet to come (the one trouble under which calls go on). Null where all is well.
    /// </summary>
    public string? Trouble => Volatile.Read(ref _mustReload) ? "the privacy ledger cannot be written" : ClockTrouble ?? (Refills ? _clock.TroubleBehind(Book.Clock) : null);

    public async Task<T> CallAsync<T>(Func<LedgerBatch, T> apply, CancellationToken cancellationToken)
    {
        var call = new LedgerCall<T>(apply, cancellationToken);
        try
        {
            await _calls.Writer.WriteAsync(call, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteBudgetLedger));
        }

        return await call.Answer.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _calls.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        _store.Dispose();
    }

    private async Task RunAsync()
    {
        var batch = new List<LedgerCall>(LargestBatch);
        while (await WaitForCallsAsync().ConfigureAwait(false))
        {
            while (batch.Count < LargestBatch && _calls.Reader.TryRead(out var call))
            {
                batch.Add(call);
            }

            Process(batch);
            batch.Clear();
        }
    }

    // A load balancer keeps everybody away from what is not ready: after a failed write the writer tries by itself, or no call would ever find that the disk is well again.
    private async Task<bool> WaitForCallsAsync()
    {
        var calls = _calls.Reader.WaitToReadAsync().AsTask();
        for (var pause = RetryPauses.First; _mustReload && !calls.IsCompleted; pause = RetryPauses.After(pause))
        {
            if (await Task.WhenAny(calls, _clock.Delay(pause)).ConfigureAwait(false) != calls)
            {
                Process([new LedgerCall<long>(batch => batch.Record(Repaired), CancellationToken.None)]);
            }
        }

        return await calls.ConfigureAwait(false);
    }

    // A ledger whose accounts never refill has no use for the time but in its entries.
    private bool Refills => Book.Accounts.Values.Any(account => account.Window.ResetsAt is not null);

    private string? ClockTrouble => _clock.IsBelieved || !Refills ? null : _clock.Trouble;

    private void Process(List<LedgerCall> calls)
    {
        if (ClockTrouble is { } trouble)
        {
            // Nothing is written in a time that is not: when the clock is right again, all is as it was.
            calls.ForEach(call => call.Fail(new BudgetStoreException(trouble)));
            return;
        }

        LedgerBatch? batch = null;
        try
        {
            ReloadAfterFailure();
            batch = NewBatch();
            foreach (var call in calls)
            {
                call.Apply(batch);
            }

            Commit(batch);
        }
        catch (Exception failure)
        {
            // Whatever it was, the writer lives on and every caller gets an answer: a caller that waits for ever is worse than a refusal.
            OnFailure(batch, failure);
            var answer = failure as BudgetStoreException ?? new BudgetStoreException("The ledger could not be written; nothing was admitted.", failure);
            calls.ForEach(call => call.Fail(answer));
            return;
        }

        calls.ForEach(call => call.Complete());
    }

    private LedgerBatch NewBatch() => new(_book, _store.FindReservation, _clock.Now);

    private void Commit(LedgerBatch batch)
    {
        var changes = batch.Changes;
        if (changes.Entries.Count > 0)
        {
            _store.Write(changes);
            Volatile.Write(ref _book, batch.ToBook());
        }
    }

    private void OnFailure(LedgerBatch? batch, Exception failure)
    {
        LogFailure(_logger, failure);
        Volatile.Write(ref _mustReload, true);
        _unknownFate.UnionWith(batch?.Opened ?? []);
    }

    private void ReloadAfterFailure()
    {
        if (!_mustReload)
        {
            return;
        }

        Volatile.Write(ref _book, _store.Load());
        Recover([.. _unknownFate.Where(_book.Open.ContainsKey)], "it is unknown whether the admission was acknowledged");
        _unknownFate.Clear();
        Volatile.Write(ref _mustReload, false);
        LogReloaded(_logger, _book.Entries);
    }

    private void Recover(IReadOnlyCollection<string> requests, string reason)
    {
        var batch = NewBatch();
        foreach (var request in requests)
        {
            batch.Recover(request, reason);
        }

        Commit(batch);
        if (requests.Count > 0)
        {
            LogRecovered(_logger, requests.Count, reason);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The budget ledger could not be written; every call is refused until its store is read back")]
    private static partial void LogFailure(ILogger logger, Exception failure);

    [LoggerMessage(Level = LogLevel.Information, Message = "The budget ledger was read back after a failure: {Entries} entries")]
    private static partial void LogReloaded(ILogger logger, long entries);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} open reservations were settled as spent: {Reason}")]
    private static partial void LogRecovered(ILogger logger, int count, string reason);
}
