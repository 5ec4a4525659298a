using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Budgets;

/// <summary>The quotas of <see cref="PrivacyBudgets"/>, checked once, ready to be asked which accounts a question touches.</summary>
public sealed class PrivacyBudgetsPolicy : IQuotaPolicy
{
    private const string Key = "privacy_budgets";
    private const double UnnamedDepartmentsEpsilon = 1;

    private readonly PrivacyBudgets _budgets;
    private readonly AccountPolicy _global;
    private readonly Dictionary<string, AccountPolicy> _departments;
    private readonly Dictionary<string, AccountPolicy> _purposes;

    /// <exception cref="ConfigurationException">A value is out of its range or a schedule is missing; the message names the key and what to write.</exception>
    public PrivacyBudgetsPolicy(PrivacyBudgets budgets)
    {
        PolicyNumbers.CheckCurrency(Key, budgets.Composition, budgets.Delta, budgets.RenyiOrder);
        _budgets = budgets;
        _global = Quota(AccountId.Global, "global", budgets.Global);
        _ = Quota(AccountId.User("anyone"), "user", budgets.User);
        _departments = budgets.Departments.ToDictionary(entry => entry.Key, entry => Department(entry.Key, entry.Value), StringComparer.Ordinal);
        _purposes = budgets.Purposes.ToDictionary(
            entry => entry.Key, entry => Quota(Named($"purposes.{entry.Key}", entry.Key, AccountId.Purpose), $"purposes.{entry.Key}", entry.Value), StringComparer.Ordinal);
        CheckNames("reset_schedule", budgets.ResetSchedule.Keys);
        CheckNames("default_epsilon", budgets.DefaultEpsilon.Keys);
        foreach (var (department, epsilon) in budgets.DefaultEpsilon)
        {
            PolicyNumbers.CheckEpsilon($"{Key}.default_epsilon.{department}", epsilon);
        }
    }

    /// <inheritdoc/>
    public double Delta => _budgets.Delta;

    /// <summary>The accounts that are known before the first question: departments, purposes and global.</summary>
    public IEnumerable<AccountPolicy> Standing => [.. _departments.Values, .. _purposes.Values, _global];

    /// <summary>A policy from YAML whose one top-level key is <c>privacy_budgets</c>.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">Named in errors.</param>
    /// <exception cref="ConfigurationException">An unknown key, or a value that the policy refuses; the message names it.</exception>
    public static PrivacyBudgetsPolicy Parse(string yaml, string source) => new(StrictYaml.Parse<Document>(yaml, source).PrivacyBudgets);

    /// <inheritdoc/>
    public double DefaultEpsilon(string department) => _budgets.DefaultEpsilon.GetValueOrDefault(department, UnnamedDepartmentsEpsilon);

    /// <inheritdoc/>
    public IReadOnlyList<AccountPolicy>? AccountsFor(string user, string department, string purpose)
    {
        if (!_departments.TryGetValue(department, out var ofDepartment))
        {
            return null;
        }

        var ofUser = Quota(AccountId.User(user), "user", _budgets.User);
        if (_purposes.Count == 0)
        {
            return [ofUser, ofDepartment, _global];
        }

        return _purposes.TryGetValue(purpose, out var ofPurpose) ? [ofUser, ofDepartment, ofPurpose, _global] : null;
    }

    private AccountPolicy Department(string name, double epsilon)
    {
        var key = $"departments.{name}";
        if (!_budgets.ResetSchedule.TryGetValue(name, out var reset))
        {
            throw new ConfigurationException($"{Key}.{key} has no reset schedule: add '{name}: daily' (or weekly, monthly, never) under {Key}.reset_schedule.");
        }

        PolicyNumbers.CheckReset($"{Key}.reset_schedule.{name}", reset);
        return Quota(Named(key, name, AccountId.Department), key, new QuotaBudget { Epsilon = epsilon, Reset = reset });
    }

    private AccountPolicy Quota(AccountId account, string key, QuotaBudget budget)
    {
        PolicyNumbers.CheckEpsilon($"{Key}.{key}{(key.StartsWith("departments.", StringComparison.Ordinal) ? string.Empty : ".epsilon")}", budget.Epsilon);
        PolicyNumbers.CheckReset($"{Key}.{key}.reset", budget.Reset);
        return new AccountPolicy(account, AccountKind.Quota, _budgets.Composition, budget.Epsilon, _budgets.Delta, budget.Reset, _budgets.RenyiOrder);
    }

    private static AccountId Named(string key, string name, Func<string, AccountId> account)
    {
        try
        {
            return account(name);
        }
        catch (ArgumentException reason)
        {
            throw new ConfigurationException($"{Key}.{key}: the name cannot be an account's. {reason.Message}", reason);
        }
    }

    private void CheckNames(string section, IEnumerable<string> names)
    {
        if (names.FirstOrDefault(name => !_departments.ContainsKey(name)) is { } stranger)
        {
            throw new ConfigurationException($"{Key}.{section}.{stranger} names no department: add it under {Key}.departments or remove it here.");
        }
    }

    private sealed record Document
    {
        public required PrivacyBudgets PrivacyBudgets { get; init; }
    }
}
