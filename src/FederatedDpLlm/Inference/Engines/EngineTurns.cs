namespace FederatedDpLlm.Inference.Engines;

/// <summary>
/// One pass through the model at a time: a pass already uses every core, so two at once would only slow each other down and starve what else the process
/// has to do (health probes above all). Waiting costs no thread.
/// </summary>
internal sealed class EngineTurns : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public async Task<T> RunAsync<T>(Func<T> pass, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(pass, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
