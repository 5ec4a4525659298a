namespace FederatedDpLlm.Models.Sharding;

/// <summary>Which steps a chunk has left, for the chunk behind it: a session's positions reach every shard in order.</summary>
internal sealed class StepTurns
{
    private readonly TaskCompletionSource[] _done;

    public StepTurns(int steps) => _done = [.. Enumerable.Range(0, steps).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];

    public Task DoneAsync(int step) => _done[step].Task;

    public void Finish(int step) => _done[step].TrySetResult();

    /// <summary>The chunk behind fails with the same cause instead of waiting for ever.</summary>
    public void Fail(Exception failure)
    {
        foreach (var step in _done)
        {
            if (step.TrySetException(failure))
            {
                // Nobody may be waiting: the failure is reported through the chunk's own task.
                _ = step.Task.Exception;
            }
        }
    }
}
