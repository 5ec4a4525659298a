using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// Hospitals are put at random into groups; each group makes a secure sum, and a robust rule combines the groups' means. New groups every round, from a public
/// seed that the coordinator does not choose alone, so that attackers cannot stay together.
/// Reference: SHARE, Velicheti, Xia, Koyejo, "Secure Byzantine-robust distributed learning via clustering", arXiv:2110.02940.
/// The price is said aloud: the unit of secrecy is a group instead of all, noise is added per group (sqrt(m) worse than in one sum), and f attackers spoil up to f groups.
/// </summary>
public static class SecureGroups
{
    /// <summary>The groups' members, each ascending; the last groups are one larger where the hospitals do not divide evenly.</summary>
    /// <param name="plan">A plan with groups that passed its check.</param>
    /// <param name="seed">32 bytes that no party alone chose: the digest of the round's advertisements, for instance.</param>
    public static IReadOnlyList<int[]> Assign(RobustPlan plan, ReadOnlySpan<byte> seed)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, 32);
        if (plan.Secrecy != Secrecy.Groups || plan.Check() is not null)
        {
            throw new ArgumentException($"The plan has no valid groups: {plan.Check()?.ToString() ?? plan.Secrecy.ToString()}.", nameof(plan));
        }

        int[] clients = [.. Enumerable.Range(0, plan.Clients)];
        var order = PublicPermutation.Of(clients, seed);
        var groups = new int[plan.Vectors][];
        for (var i = 0; i < groups.Length; i++)
        {
            var (start, end) = (i * plan.Clients / groups.Length, (i + 1) * plan.Clients / groups.Length);
            groups[i] = [.. order[start..end].Order()];
        }

        return groups;
    }

    /// <summary>Combines the sums of the groups that finished.</summary>
    /// <param name="plan">The plan; its check is made again for the groups that are left.</param>
    /// <param name="sums">For each group its sum in the update's unit and how many hospitals are in it.</param>
    /// <returns>Null where too few groups finished for the rule to withstand the plan's attackers.</returns>
    public static float[]? Combine(RobustPlan plan, IReadOnlyList<(float[] Sum, int Survivors)> sums)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(sums);
        if (sums.Count < 2 || plan.Rule.Check(sums.Count, plan.Attackers) is not null)
        {
            return null;
        }

        var means = sums.Select(group => (ReadOnlyMemory<float>)Array.ConvertAll(group.Sum, value => value / group.Survivors)).ToList();
        return plan.Rule.Combine(means).Value;
    }
}
