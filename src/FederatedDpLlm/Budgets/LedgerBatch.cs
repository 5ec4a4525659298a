using System.Collections.Immutable;
using System.Globalization;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Budgets;

/// <summary>
/// The rules of the ledger, applied call by call to a private copy of the book; nothing here knows of disks or threads. Each call either changes
/// everything that it says, or throws and changes nothing.
/// </summary>
/// <param name="book">The ledger as committed.</param>
/// <param name="find">What an earlier batch made of a request id; null where it was never seen.</param>
/// <param name="now">The wall clock; where it has stepped back behind the book's, the book's counts.</param>
internal sealed class LedgerBatch(LedgerBook book, Func<string, ReservationState?> find, DateTimeOffset now)
{
    private readonly ImmutableDictionary<AccountId, Account>.Builder _accounts = book.Accounts.ToBuilder();
    private readonly ImmutableDictionary<string, Reservation>.Builder _open = book.Open.ToBuilder();
    private readonly List<StoredAuditEntry> _entries = [];
    private readonly Dictionary<string, ReservationRow> _reservations = new(StringComparer.Ordinal);
    private readonly HashSet<AccountId> _touched = [];
    private readonly DateTimeOffset _now = Later(book.Clock, now);
    private byte[] _head = book.Head;

    /// <summary>The reservations that this batch opened.</summary>
    public IEnumerable<string> Opened => _reservations.Values.Where(row => row.State == ReservationState.Open).Select(row => row.RequestId);

    public LedgerChanges Changes => new(_entries, _reservations.Values, [.. _touched.Select(id => _accounts[id])]);

    public LedgerBook ToBook() => new(_accounts.ToImmutable(), _open.ToImmutable(), NextEntry, _head, _entries.Count > 0 ? _now : book.Clock);

    private long NextEntry => book.Entries + _entries.Count;

    /// <param name="requestId">The request.</param>
    /// <param name="charges">What it is to hold.</param>
    /// <param name="audit">The entry for an admission.</param>
    /// <param name="decides">Whether a refusal is the caller's last word, and so an entry.</param>
    public ReserveOutcome Reserve(string requestId, IReadOnlyList<Charge> charges, AuditRecord audit, Func<ReserveOutcome, bool> decides)
    {
        if (StateOf(requestId) is { } seen)
        {
            return Refuse(new ReserveOutcome.AlreadySeen(seen != ReservationState.Open, seen == ReservationState.Released, null), ("reason", "duplicate-request"));
        }

        foreach (var (id, amount) in charges)
        {
            if (Current(id) is not { } account)
            {
                return Refuse(new ReserveOutcome.UnknownAccount(id, null), ("reason", "unknown-account"), ("refusedBy", id.Value));
            }

            if (!account.CanHold(amount))
            {
                var state = account.ToState();
                return Refuse(
                    new ReserveOutcome.Exhausted(state, amount, null),
                    ("reason", "budget-exhausted"), ("refusedBy", id.Value), ("askedUnits", Text(amount)), ("remainingUnits", Text(state.Remaining)));
            }
        }

        return Hold(requestId, charges, audit);

        ReserveOutcome Refuse(ReserveOutcome refusal, params ReadOnlySpan<(string Name, string Value)> why) =>
            decides(refusal) ? refusal with { AuditEntry = Append(audit.With(AuditDecision.Refused, why), []) } : refusal;
    }

    /// <param name="spent">Per account at most what is held; accounts left out are charged nothing.</param>
    public Settlement Commit(string requestId, IReadOnlyList<Charge> spent, AuditRecord audit)
    {
        var reservation = OpenReservation(requestId);
        var amounts = spent.ToDictionary(charge => charge.Account, charge => charge.Amount);
        foreach (var (account, amount) in amounts)
        {
            var held = reservation.Holds.FirstOrDefault(hold => hold.Account == account);
            if (held.Account != account || amount > held.Amount)
            {
                throw new InvalidOperationException($"Request {requestId} holds {held.Amount.Value} units on {account} and cannot be charged {amount.Value}.");
            }
        }

        return Settle(reservation, hold => amounts.GetValueOrDefault(hold.Account), ReservationState.Committed, audit);
    }

    public Settlement Release(string requestId, AuditRecord audit) =>
        Settle(OpenReservation(requestId), _ => BudgetUnits.Zero, ReservationState.Released, audit);

    /// <summary>Unknown is spent: every hold of an open reservation is charged whole.</summary>
    public Settlement Recover(string requestId, string reason)
    {
        var audit = new AuditRecord(requestId, AuditDecision.Recovered, "ledger", new Dictionary<string, string> { ["reason"] = reason });
        return Settle(OpenReservation(requestId), hold => hold.Amount, ReservationState.Recovered, audit);
    }

    public long Record(AuditRecord audit) => Append(audit, []);

    public void Ensure(AccountPolicy policy)
    {
        if (Current(policy.Id) is not { } account)
        {
            Put(Account.Open(policy, _now));
            Append(policy, AuditDecision.AccountOpened);
        }
        else if (account.Policy != policy)
        {
            Put(account.Change(policy, _now));
            Append(policy, AuditDecision.PolicyChanged);
        }
    }

    private static DateTimeOffset Later(DateTimeOffset left, DateTimeOffset right) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Max(left.ToUnixTimeMilliseconds(), right.ToUnixTimeMilliseconds()));

    private static string Text(BudgetUnits amount) => amount.Value.ToString(CultureInfo.InvariantCulture);

    private ReserveOutcome.Reserved Hold(string requestId, IReadOnlyList<Charge> charges, AuditRecord audit)
    {
        var states = new AccountState[charges.Count];
        var holds = new Hold[charges.Count];
        var movements = new LedgerMovement[charges.Count];
        for (var i = 0; i < charges.Count; i++)
        {
            var (id, amount) = charges[i];
            var account = Current(id)!.Hold(amount);
            Put(account);
            states[i] = account.ToState();
            holds[i] = new Hold(id, account.Window.StartsAt, amount);
            movements[i] = new LedgerMovement(id.Value, account.Window.StartsAt, amount.Value, 0);
        }

        var entry = Append(audit, movements);
        _open[requestId] = new Reservation(requestId, entry, holds);
        _reservations[requestId] = new ReservationRow(requestId, ReservationState.Open, entry);
        return new ReserveOutcome.Reserved(states, entry);
    }

    private Settlement Settle(Reservation reservation, Func<Hold, BudgetUnits> spent, ReservationState ending, AuditRecord audit)
    {
        var states = new AccountState[reservation.Holds.Count];
        var movements = new LedgerMovement[reservation.Holds.Count];
        for (var i = 0; i < states.Length; i++)
        {
            var hold = reservation.Holds[i];
            // Not Current(): the account stays in the window of its last hold, where this one may belong, until the next hold opens a new one.
            var account = _accounts[hold.Account].Settle(hold, spent(hold));
            Put(account);
            states[i] = account.At(_now).ToState();
            movements[i] = new LedgerMovement(hold.Account.Value, hold.WindowStart, -hold.Amount.Value, spent(hold).Value);
        }

        _open.Remove(reservation.RequestId);
        _reservations[reservation.RequestId] = new ReservationRow(reservation.RequestId, ending, reservation.Entry);
        return new Settlement(states, Append(audit, movements));
    }

    private ReservationState? StateOf(string requestId) =>
        _reservations.TryGetValue(requestId, out var row) ? row.State
        : _open.ContainsKey(requestId) ? ReservationState.Open
        : find(requestId);

    private Reservation OpenReservation(string requestId) =>
        _open.TryGetValue(requestId, out var reservation)
            ? reservation
            : throw new InvalidOperationException($"Request {requestId} has no open reservation (state: {StateOf(requestId)?.ToString() ?? "never seen"}).");

    private Account? Current(AccountId id) => _accounts.TryGetValue(id, out var account) ? account.At(_now) : null;

    private void Put(Account account)
    {
        _accounts[account.Policy.Id] = account;
        _touched.Add(account.Policy.Id);
    }

    private void Append(AccountPolicy policy, AuditDecision decision)
    {
        var window = _accounts[policy.Id].Window;
        Append(new AuditRecord(policy.Id.Value, decision, "policy", policy.ToDetails(window)), []);
    }

    private long Append(AuditRecord record, IReadOnlyList<LedgerMovement> movements)
    {
        var row = AuditEncoding.Seal(new AuditEntry(NextEntry, _now, record, movements), _head);
        _entries.Add(row);
        _head = row.Hash;
        return row.Index;
    }
}
