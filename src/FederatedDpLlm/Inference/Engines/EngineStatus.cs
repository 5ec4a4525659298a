namespace FederatedDpLlm.Inference.Engines;

/// <summary>How an engine is, in its own words; what it does not say is null, or 0 for the context.</summary>
/// <param name="Ready">Whether it answers questions now.</param>
/// <param name="Model">The model it serves, by the engine's own name for it.</param>
public sealed record EngineStatus(bool Ready, string Model)
{
    /// <summary>Why it is not ready.</summary>
    public string? Trouble { get; init; }

    /// <summary>The longest context that it serves, in tokens.</summary>
    public int ContextTokens { get; init; }

    /// <summary>Most requests that it works on at once.</summary>
    public int? Slots { get; init; }

    /// <summary>Requests that it works on.</summary>
    public int? Running { get; init; }

    /// <summary>Requests that wait for a place.</summary>
    public int? Waiting { get; init; }
}
