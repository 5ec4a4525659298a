namespace FederatedDpLlm.Budgets;

/// <summary>
/// The ledger could not read or write its store (disk full, I/O error, another process owns it), so nothing was admitted and nothing may be answered.
/// A host answers 503: never from memory, never for free.
/// </summary>
public sealed class BudgetStoreException : Exception
{
    public BudgetStoreException(string message)
        : base(message)
    {
    }

    public BudgetStoreException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
