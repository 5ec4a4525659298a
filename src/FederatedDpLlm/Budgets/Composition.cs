namespace FederatedDpLlm.Budgets;

/// <summary>The one currency in which an account adds costs up (the <c>composition</c> of its policy).</summary>
public enum Composition
{
    /// <summary>Sums of epsilon at the policy's delta: the epsilons that people see add up. Default of quotas.</summary>
    Basic,

    /// <summary>The Whitehouse, Ramdas, Rogers, Wu filter (ICML 2023) for adaptively chosen costs: sums of epsilon squared.</summary>
    Advanced,

    /// <summary>Sums of rho (zCDP). Default of data accounts.</summary>
    Zcdp,

    /// <summary>Sums of Renyi divergence at one fixed order.</summary>
    Rdp,
}
