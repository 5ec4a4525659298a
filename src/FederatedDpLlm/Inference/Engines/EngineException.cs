namespace FederatedDpLlm.Inference.Engines;

/// <summary>The engine behind a node could not do its part. The message holds no prompt, record or answer.</summary>
public sealed class EngineException(EngineFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public EngineFault Fault { get; } = fault;

    /// <summary>The HTTP status of a refusal; null where there was none.</summary>
    public int? Status { get; init; }
}
