using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.KvCache;

/// <summary>Keys and values of 32 positions of all layers; shared by the sequences that begin alike.</summary>
internal sealed class KvBlock(int floats)
{
    public FloatBuffer Floats { get; } = new(floats);

    /// <summary>How many sequences hold it; changed by the pool only.</summary>
    public int Holders { get; set; }
}
