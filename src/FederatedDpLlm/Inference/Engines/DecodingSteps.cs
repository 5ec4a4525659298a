using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>
/// Continuous batching of decoding: the tokens that answers ask to append while a pass runs are appended together in the next one, so answers join and leave
/// between any two tokens and read the weights once for all of them. Logits have the same bits in any company (see <see cref="LanguageModel"/>).
/// Reference: Yu et al. 2022, Orca (OSDI), iteration-level scheduling.
/// </summary>
internal sealed class DecodingSteps(EngineTurns turns)
{
    private readonly Lock _gate = new();
    private readonly List<Step> _waiting = [];
    private bool _passComes;

    /// <summary>Shared with what else runs through the model.</summary>
    public EngineTurns Turns => turns;

    /// <summary>Completes when the token is appended. A cancelled step that still waits leaves at once; one in a running pass ends with that pass, whose memory it is.</summary>
    /// <exception cref="ContextOverflowException">A context of this batch is full; the others' steps go on.</exception>
    public async Task AppendAsync(DecodingBatch batch, int token, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var step = new Step(batch, token);
        var registration = cancellationToken.Register(() => Leave(step, cancellationToken));
        await using var registered = registration.ConfigureAwait(false);
        if (Join(step, cancellationToken))
        {
            // Not this caller's to cancel: other answers' tokens are in it.
            _ = RunPassAsync();
        }

        await step.Done.Task.ConfigureAwait(false);
    }

    // True where nobody has asked for the pass that will take this step.
    private bool Join(Step step, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                step.Done.TrySetCanceled(cancellationToken);
                return false;
            }

            _waiting.Add(step);
            var first = !_passComes;
            _passComes = true;
            return first;
        }
    }

    private void Leave(Step step, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_waiting.Remove(step))
            {
                step.Done.TrySetCanceled(cancellationToken);
            }
        }
    }

    private Step[] TakeAll()
    {
        lock (_gate)
        {
            Step[] all = [.. _waiting];
            _waiting.Clear();
            _passComes = false;
            return all;
        }
    }

    private async Task RunPassAsync()
    {
        try
        {
            await turns.RunAsync(Pass, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectDisposedException closed)
        {
            // The engine ends; whoever waits is told.
            Array.ForEach(TakeAll(), step => step.Done.TrySetException(closed));
        }
    }

    private bool Pass()
    {
        var steps = TakeAll();
        try
        {
            var fitting = steps.Where(step => !step.Batch.IsFull).ToList();
            DecodingBatch.AppendTogether([.. fitting.Select(step => (step.Batch, step.Token))], CancellationToken.None);
            fitting.ForEach(step => step.Done.TrySetResult());
            Array.ForEach(steps, step => step.Done.TrySetException(new ContextOverflowException(step.Batch.ContextTokens)));
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            Array.ForEach(steps, step => step.Done.TrySetException(failure));
        }

        return true;
    }

    private sealed class Step(DecodingBatch batch, int token)
    {
        public DecodingBatch Batch => batch;

        public int Token => token;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
