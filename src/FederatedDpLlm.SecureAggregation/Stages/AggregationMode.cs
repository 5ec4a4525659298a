namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>How an update is hidden; the sum is the same integer vector in every mode.</summary>
public enum AggregationMode
{
    /// <summary>Additive masks modulo a power of two from an AES keystream: standard assumptions only. The default.</summary>
    Mask = 1,
}
