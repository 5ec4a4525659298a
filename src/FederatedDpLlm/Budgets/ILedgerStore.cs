namespace FederatedDpLlm.Budgets;

/// <summary>Where a ledger's batches become durable. Used by one writer at a time.</summary>
internal interface ILedgerStore : IDisposable
{
    /// <summary>Reads everything back, from a fresh connection; the movements are the truth.</summary>
    /// <exception cref="BudgetStoreException">Unreadable, or the balances do not follow from the movements.</exception>
    LedgerBook Load();

    /// <summary>What became of a request id; null where it was never seen.</summary>
    ReservationState? FindReservation(string requestId);

    /// <summary>Writes all of it in one transaction, fsynced when this returns; or nothing. After an exception only <see cref="Load"/> knows which.</summary>
    void Write(LedgerChanges changes);
}
