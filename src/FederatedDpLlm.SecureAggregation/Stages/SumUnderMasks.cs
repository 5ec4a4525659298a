using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>A sum under masks: it opens once those that are left on it are known.</summary>
internal abstract class SumUnderMasks : UpdateSum
{
    /// <summary>The sum of the updates; null where it does not open.</summary>
    public abstract int[]? Open(MaskSet residual, int survivors, ReadOnlySpan<byte> advertisements, int workers);
}
