namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>What a frame on a shard link carries.</summary>
internal enum FrameKind : byte
{
    /// <summary>Coordinator: a signed plan and the manifest; the shard loads its slices and works under that epoch from now on.</summary>
    Load = 1,

    /// <summary>As <see cref="Load"/>, for a spare: the slices of another node of the plan are loaded and kept ready, nothing else changes.</summary>
    Prepare = 2,

    /// <summary>Shard: done.</summary>
    Ready = 3,

    /// <summary>Coordinator: rows to compute.</summary>
    Compute = 4,

    /// <summary>Shard: the result.</summary>
    Computed = 5,

    /// <summary>Coordinator: a session's cache can go. No answer.</summary>
    Close = 6,

    /// <summary>Shard: no, with a code; nothing was changed.</summary>
    Refused = 7,

    /// <summary>Coordinator: how fast are you? May come before any plan.</summary>
    Measure = 8,

    /// <summary>Shard: layers of one token a second, and bytes of memory for weights, as floats.</summary>
    Measured = 9,
}
