namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>Why a robust configuration cannot keep what its name promises.</summary>
public enum RobustRefusal
{
    /// <summary>Krum and multi-Krum need n &gt;= 2f + 3 vectors (Blanchard et al., NeurIPS 2017, Proposition 4.2).</summary>
    TooFewForKrum,

    /// <summary>Bulyan needs n &gt;= 4f + 3 vectors (El Mhamdi et al., ICML 2018, Proposition 2).</summary>
    TooFewForBulyan,

    /// <summary>No rule withstands half or more attackers: n &gt;= 2f + 1.</summary>
    NoHonestMajority,

    /// <summary>The rule compares single vectors, and full secrecy shows their sum alone: take secure groups, or the clear.</summary>
    NeedsSingleVectors,

    /// <summary>Inside one secure sum of up to eight hospitals an attacker's share of the sum is too large for any bound to be useful.</summary>
    SumTooSmallForAttackers,

    /// <summary>A group's sum is too close to its members' updates: a group has at least eight.</summary>
    GroupTooSmall,

    /// <summary>The hospitals do not make two groups.</summary>
    OneGroup,
}
