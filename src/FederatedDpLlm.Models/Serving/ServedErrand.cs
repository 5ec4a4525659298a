using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Serving;

/// <summary>A single work, whose memory is the caller's.</summary>
internal sealed class ServedErrand : ServedWork
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServedErrand(ForwardWork work, CancellationToken cancellation)
        : base(cancellation) => Work = work;

    /// <summary>Ends when no pass touches the work's memory any more.</summary>
    public Task Done => _done.Task;

    public override void Advance() => Work = null;

    public override void End(Exception? fault)
    {
        switch (fault)
        {
            case null:
                _done.TrySetResult();
                break;
            case OperationCanceledException:
                _done.TrySetCanceled(Cancellation);
                break;
            default:
                _done.TrySetException(fault);
                break;
        }
    }
}
