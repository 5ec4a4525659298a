namespace FederatedDpLlm.Models.Weights;

/// <summary>Element types that model files store weights in; the quantised ones are GGUF's, in blocks along a row.</summary>
public enum ElementType
{
    /// <summary>IEEE binary32.</summary>
    Float32,

    /// <summary>IEEE binary16.</summary>
    Float16,

    /// <summary>The upper half of a binary32.</summary>
    BFloat16,

    /// <summary>Blocks of 32: a binary16 scale and 32 signed bytes.</summary>
    Q8_0,

    /// <summary>Blocks of 32: a binary16 scale and 32 nibbles, each less 8.</summary>
    Q4_0,

    /// <summary>Blocks of 256: eight groups of nibbles with 6-bit scales and minima. Read only.</summary>
    Q4_K,

    /// <summary>Blocks of 256: sixteen groups of 6-bit integers with 8-bit scales. Read only.</summary>
    Q6_K,
}
