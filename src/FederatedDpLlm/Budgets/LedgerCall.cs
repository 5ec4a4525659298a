namespace FederatedDpLlm.Budgets;

/// <summary>A call on its way through the writer: applied in a batch, answered after the batch's commit.</summary>
internal abstract class LedgerCall
{
    public abstract void Apply(LedgerBatch batch);

    public abstract void Complete();

    public abstract void Fail(Exception failure);
}
