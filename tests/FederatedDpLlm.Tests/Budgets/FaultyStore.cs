using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A real store that fails on command: before anything is written, after all of it is (the answer is lost), or while it is read back.</summary>
internal sealed class FaultyStore(ILedgerStore store) : ILedgerStore
{
    public bool FailBeforeWrite { get; set; }

    /// <summary>How many writes fail from now on, each before anything is written.</summary>
    public int FailNextWrites { get; set; }

    public bool FailAfterWrite { get; set; }

    public bool FailLoad { get; set; }

    public LedgerBook Load() => FailLoad ? throw new IOException("injected: cannot read") : store.Load();

    public ReservationState? FindReservation(string requestId) => store.FindReservation(requestId);

    public void Write(LedgerChanges changes)
    {
        ThrowIf(FailBeforeWrite || FailNextWrites-- > 0);
        store.Write(changes);
        ThrowIf(FailAfterWrite);
    }

    public void Dispose() => store.Dispose();

    private static void ThrowIf(bool fail)
    {
        if (fail)
        {
            throw new IOException("injected: input/output error");
        }
    }
}
