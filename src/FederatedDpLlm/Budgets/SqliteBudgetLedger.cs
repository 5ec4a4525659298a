using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The ledger of one process in one SQLite file, with its audit log. Calls from any number of threads share group commits; reads never wait.
/// </summary>
public sealed class SqliteBudgetLedger : IBudgetLedger, IAsyncDisposable
{
    /// <summary>The file's name below a data folder: <c>DIR/**/ledger.db</c>.</summary>
    public const string FileName = "ledger.db";

    private readonly LedgerLock? _ownership;
    private readonly LedgerWriter _writer;
    private readonly LedgerClock _clock;
    private readonly LateSettlements _late;

    internal SqliteBudgetLedger(ILedgerStore store, LedgerLock? ownership, TimeProvider clock, ILogger logger)
    {
        (_ownership, _clock) = (ownership, new LedgerClock(clock));
        _writer = new LedgerWriter(store, _clock, logger);
        _late = new LateSettlements(_writer, clock, logger);
    }

    /// <summary>False from a failed write until the store was read back and written again, while the clock cannot be believed, and while the last entry's time is more than a day to come: not ready.</summary>
    public bool IsAvailable => _writer.Trouble is null;

    /// <summary>Why it is not available, and what to do, for people; null where all is well.</summary>
    public string? Trouble => _writer.Trouble;

    /// <summary>Settlements whose write failed and that are being made again: what they hold stays held until then.</summary>
    public int UnsettledCount => _late.Count;

    /// <summary>Opens (or creates) the ledger and settles as spent what an earlier process left open.</summary>
    /// <param name="path">The SQLite file; its folder is created.</param>
    /// <param name="clock">Decides when quotas refill; one that steps back refills nothing, one that leaps ahead is not believed.</param>
    /// <param name="logger">Gets identifiers and counts, never a prompt.</param>
    /// <exception cref="BudgetStoreException">Another process writes this ledger, its balances do not follow from its entries, or it cannot be read.</exception>
    public static Task<SqliteBudgetLedger> OpenAsync(string path, TimeProvider clock, ILogger<SqliteBudgetLedger> logger, CancellationToken cancellationToken) =>
        Task.Run(
            () =>
            {
                var ownership = LedgerLock.Take(path);
                var store = new SqliteLedgerStore(path);
                try
                {
                    return new SqliteBudgetLedger(store, ownership, clock, logger);
                }
                catch (Exception failure)
                {
                    store.Dispose();
                    ownership.Dispose();
                    throw failure as BudgetStoreException ?? new BudgetStoreException($"The ledger '{path}' cannot be opened: {failure.Message}", failure);
                }
            },
            cancellationToken);

    /// <inheritdoc cref="IBudgetLedger.ReserveAsync(string, IReadOnlyList{Charge}, AuditRecord, CancellationToken)"/>
    public Task<ReserveOutcome> ReserveAsync(string requestId, IReadOnlyList<Charge> charges, AuditRecord audit, CancellationToken cancellationToken) =>
        ReserveAsync(requestId, charges, audit, static _ => true, cancellationToken);

    /// <inheritdoc/>
    public Task<ReserveOutcome> ReserveAsync(
        string requestId, IReadOnlyList<Charge> charges, AuditRecord audit, Func<ReserveOutcome, bool> decides, CancellationToken cancellationToken)
    {
        var record = Checked(requestId, audit);
        var asked = Checked(charges);
        if (asked.Length == 0)
        {
            throw new ArgumentException("A reservation names at least one account; a request of cost 0 is recorded instead.", nameof(charges));
        }

        return _writer.CallAsync(batch => batch.Reserve(requestId, asked, record, decides), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Settlement> CommitAsync(string requestId, IReadOnlyList<Charge> spent, AuditRecord audit, CancellationToken cancellationToken)
    {
        var record = Checked(requestId, audit);
        var ran = Checked(spent);
        var late = record.Decision == AuditDecision.Answered ? record.With(AuditDecision.Failed, ("reason", "store-failed")) : record;
        return _late.SettleAsync(requestId, batch => batch.Commit(requestId, ran, record), batch => batch.Commit(requestId, ran, late), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<Settlement> ReleaseAsync(string requestId, AuditRecord audit, CancellationToken cancellationToken)
    {
        var record = Checked(requestId, audit);
        return _late.SettleAsync(requestId, batch => batch.Release(requestId, record), batch => batch.Release(requestId, record), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long> RecordAsync(AuditRecord audit, CancellationToken cancellationToken)
    {
        audit.Validate();
        return _writer.CallAsync(batch => batch.Record(audit), cancellationToken);
    }

    /// <inheritdoc/>
    public Task EnsureAccountAsync(AccountPolicy policy, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(policy.Budget.Value);
        if (_writer.Book.Accounts.TryGetValue(policy.Id, out var account) && account.Policy == policy)
        {
            return Task.CompletedTask;
        }

        return _writer.CallAsync(
            batch =>
            {
                batch.Ensure(policy);
                return true;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public AccountState? Find(AccountId account)
    {
        var book = _writer.Book;
        return book.Accounts.TryGetValue(account, out var found) ? found.At(Now(book)).ToState() : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<AccountState> Snapshot()
    {
        var book = _writer.Book;
        var now = Now(book);
        return [.. book.Accounts.Values.Select(account => account.At(now).ToState()).OrderBy(state => state.Policy.Id.Value, StringComparer.Ordinal)];
    }

    /// <summary>Finishes the calls that are queued, then closes the file. Open reservations stay open; the next start counts them as spent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _late.DisposeAsync().ConfigureAwait(false);
        await _writer.DisposeAsync().ConfigureAwait(false);
        _ownership?.Dispose();
    }

    private static AuditRecord Checked(string requestId, AuditRecord audit)
    {
        var record = audit with { RequestId = requestId };
        record.Validate();
        return record;
    }

    // A copy: a list that its owner changes later must not change what was reserved.
    private static Charge[] Checked(IReadOnlyList<Charge> charges)
    {
        Charge[] copy = [.. charges];
        foreach (var charge in copy)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(charge.Amount.Value, nameof(charges));
            ArgumentException.ThrowIfNullOrEmpty(charge.Account.Value, nameof(charges));
        }

        return copy.DistinctBy(charge => charge.Account).Count() == copy.Length
            ? copy
            : throw new ArgumentException("An account is charged once per request.", nameof(charges));
    }

    private DateTimeOffset Now(LedgerBook book) => _clock.IsBelieved && _clock.Now is var now && now > book.Clock ? now : book.Clock;
}
