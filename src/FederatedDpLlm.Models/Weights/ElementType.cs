namespace FederatedDpLlm.Models.Weights;

/// <summary>Element types that safetensors files are read and written in.</summary>
public enum ElementType
{
    /// <summary>IEEE binary32.</summary>
    Float32,

    /// <summary>IEEE binary16.</summary>
    Float16,

    /// <summary>The upper half of a binary32.</summary>
    BFloat16,
}
