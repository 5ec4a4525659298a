namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>What the coordinator sees of the updates that a rule works on.</summary>
public enum Secrecy
{
    /// <summary>One sum over all hospitals, in secret: the strongest privacy, and rules over sums only.</summary>
    OneSum,

    /// <summary>One secret sum per group: any rule over the groups' means; an attacker spoils its whole group, and noise is added per group.</summary>
    Groups,

    /// <summary>Every update in the clear, at a trusted hub: any rule, no secrecy.</summary>
    Clear,
}
