namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// A rule with what it is run over, and the check that the two fit. Secrecy and robustness pull against each other: a secure sum hides exactly what Krum
/// compares, groups give each up in part, and a bound on norms is all that one secret sum allows.
/// </summary>
/// <param name="Rule">How vectors are combined.</param>
/// <param name="Secrecy">What of the updates the coordinator sees.</param>
/// <param name="Clients">Hospitals in the round.</param>
/// <param name="Attackers">Hospitals that may send anything, f.</param>
/// <param name="GroupSize">Hospitals in a group, where there are groups.</param>
public sealed record RobustPlan(RobustRule Rule, Secrecy Secrecy, int Clients, int Attackers, int GroupSize = RobustPlan.SmallestGroup)
{
    /// <summary>The fewest hospitals whose sum is shown on its own.</summary>
    public const int SmallestGroup = 8;

    /// <summary>The vectors that the rule sees: one sum, the groups' means, or all updates.</summary>
    public int Vectors => Secrecy switch
    {
        Secrecy.OneSum => 1,
        Secrecy.Groups => Clients / GroupSize,
        _ => Clients,
    };

    /// <summary>Null where the plan keeps its promise, else the first reason why it cannot.</summary>
    public RobustRefusal? Check()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Attackers);
        ArgumentOutOfRangeException.ThrowIfLessThan(Clients, 1);
        if (Secrecy == Secrecy.Clear)
        {
            return Rule.Check(Clients, Attackers);
        }

        if (Secrecy == Secrecy.Groups)
        {
            // In the worst case every attacker spoils a group of its own.
            return GroupSize < SmallestGroup ? RobustRefusal.GroupTooSmall
                : Vectors < 2 ? RobustRefusal.OneGroup
                : Rule.Check(Vectors, Attackers);
        }

        if (!Rule.WorksOnSums)
        {
            return RobustRefusal.NeedsSingleVectors;
        }

        return Attackers > 0 && Clients <= SmallestGroup ? RobustRefusal.SumTooSmallForAttackers : Rule.Check(Clients, Attackers);
    }
}
