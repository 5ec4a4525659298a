namespace FederatedDpLlm.SecureAggregation.Simulation;

/// <summary>When a simulated client goes away.</summary>
public enum DropoutStage
{
    /// <summary>It stays to the end.</summary>
    Never,

    /// <summary>Nothing is ever heard of it.</summary>
    BeforeAdvertising,

    /// <summary>After its keys.</summary>
    BeforeSharing,

    /// <summary>After its shares: its pairwise masks have to be restored.</summary>
    BeforeUpload,

    /// <summary>After its update: its self-mask has to be restored.</summary>
    BeforeConfirming,

    /// <summary>After its signature.</summary>
    BeforeUnmasking,
}
