namespace FederatedDpLlm.Budgets;

/// <summary>A call with its answer.</summary>
internal sealed class LedgerCall<T>(Func<LedgerBatch, T> apply, CancellationToken cancellationToken) : LedgerCall
{
    // Callers go on elsewhere: the writer's thread belongs to the next batch.
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _result = default!;
    private Exception? _misuse;

    public Task<T> Answer => _answer.Task;

    /// <summary>From here on a cancellation comes too late: the caller learns what happened instead of leaving a hold behind.</summary>
    public override void Apply(LedgerBatch batch)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            _answer.TrySetCanceled(cancellationToken);
            return;
        }

        try
        {
            _result = apply(batch);
        }
        catch (Exception misuse) when (misuse is InvalidOperationException or ArgumentException or OverflowException)
        {
            _misuse = misuse;
        }
    }

    public override void Complete()
    {
        if (_misuse is null)
        {
            _answer.TrySetResult(_result);
        }
        else
        {
            _answer.TrySetException(_misuse);
        }
    }

    public override void Fail(Exception failure) => _answer.TrySetException(failure);
}
