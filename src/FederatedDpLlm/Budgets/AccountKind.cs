namespace FederatedDpLlm.Budgets;

public enum AccountKind
{
    /// <summary>Policy: how much one asker may use. May refill. Bounds a patient's loss only if askers do not collude.</summary>
    Quota,

    /// <summary>The guarantee: what anyone can learn about a patient of this block. Never refills.</summary>
    Data,
}
