using FederatedDpLlm.Models.Serving;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>What the embedded engine may hold, and how long an answer may take.</summary>
public sealed record EmbeddedEngineOptions
{
    /// <summary>Bounds of memory, queue and passes.</summary>
    public ServingOptions Serving { get; init; } = new();

    /// <summary>How long a public answer may take, its waiting included. Default 2 minutes, as for an engine behind an endpoint.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);
}
