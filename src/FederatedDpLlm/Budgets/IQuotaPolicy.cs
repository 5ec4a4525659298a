namespace FederatedDpLlm.Budgets;

/// <summary>Which quotas a question touches, and how much each may spend.</summary>
public interface IQuotaPolicy
{
    /// <summary>The policy's delta, at which every epsilon of a quota is meant.</summary>
    double Delta { get; }

    /// <summary>The epsilon of a question that names none.</summary>
    double DefaultEpsilon(string department);

    /// <returns>User, department, purpose and global, in this order; null where the policy knows no such department or purpose.</returns>
    IReadOnlyList<AccountPolicy>? AccountsFor(string user, string department, string purpose);
}
