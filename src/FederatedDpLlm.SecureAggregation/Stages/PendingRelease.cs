namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// A message that may leave only after the decision to send it is durable: store <see cref="Snapshot"/> (it holds secrets: encrypt it at rest), then call
/// <see cref="Release"/>. A client restored from its latest snapshot repeats what it decided and refuses anything else, so that a crash never makes it
/// release a second share or a second upload under the same masks.
/// </summary>
public sealed class PendingRelease<TMessage>
{
    private readonly TMessage _message;

    internal PendingRelease(byte[] snapshot, TMessage message)
    {
        Snapshot = snapshot;
        _message = message;
    }

    /// <summary>What <see cref="AggregationClient.Restore"/> reads.</summary>
    public ReadOnlyMemory<byte> Snapshot { get; }

    /// <summary>The message to send, once the snapshot is durable.</summary>
    public TMessage Release() => _message;
}
