using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Tests.Budgets;

public sealed class PrivacyBudgetsPolicyTests
{
    private const string Specification = """
        privacy_budgets:
          departments:
            emergency: 20.0      # Higher budget for critical care
            cardiology: 15.0     # Specialized department
            radiology: 10.0      # Image analysis queries
            general: 5.0         # General medicine
            research: 2.0        # Strict limits for research
          reset_schedule:
            emergency: daily
            cardiology: daily
            radiology: weekly
            general: daily
            research: monthly
        """;

    [Theory]
    [InlineData("emergency", 20, ResetSchedule.Daily)]
    [InlineData("cardiology", 15, ResetSchedule.Daily)]
    [InlineData("radiology", 10, ResetSchedule.Weekly)]
    [InlineData("general", 5, ResetSchedule.Daily)]
    [InlineData("research", 2, ResetSchedule.Monthly)]
    public void The_specifications_yaml_is_read_as_it_stands(string department, double epsilon, ResetSchedule reset)
    {
        var accounts = PrivacyBudgetsPolicy.Parse(Specification, "test").AccountsFor("alice", department, "treatment")!;
        Assert.Equal(["user:alice", "department:" + department, "global"], accounts.Select(account => account.Id.Value));
        Assert.Equal((epsilon, reset, 1e-6), (accounts[1].Epsilon, accounts[1].Reset, accounts[1].Delta));
        Assert.Equal(BudgetUnits.OfBudget(epsilon), accounts[1].Budget);
        Assert.All(accounts, account => Assert.Equal((AccountKind.Quota, Composition.Basic), (account.Kind, account.Composition)));
    }

    [Fact]
    public void Purposes_once_named_are_a_quota_and_an_unnamed_one_is_refused()
    {
        var policy = PrivacyBudgetsPolicy.Parse(Specification + """

              user: {epsilon: 30, reset: weekly}
              purposes:
                treatment: {epsilon: 100}
              global: {epsilon: 500, reset: monthly}
              default_epsilon: {research: 0.5}
              composition: zcdp
              delta: 1e-5
            """, "test");
        var accounts = policy.AccountsFor("alice", "research", "treatment")!;
        Assert.Equal(["user:alice", "department:research", "purpose:treatment", "global"], accounts.Select(account => account.Id.Value));
        Assert.Equal([ResetSchedule.Weekly, ResetSchedule.Monthly, ResetSchedule.Daily, ResetSchedule.Monthly], accounts.Select(account => account.Reset));
        Assert.All(accounts, account => Assert.Equal((Composition.Zcdp, 1e-5), (account.Composition, account.Delta)));
        Assert.Null(policy.AccountsFor("alice", "research", "curiosity"));
        Assert.Null(policy.AccountsFor("alice", "dermatology", "treatment"));
        Assert.Equal((0.5, 1.0), (policy.DefaultEpsilon("research"), policy.DefaultEpsilon("general")));
    }

    [Theory]
    [InlineData("general: 5.0", "general: -5", "departments.general")]
    [InlineData("general: 5.0", "general: .nan", "departments.general")]
    [InlineData("general: 5.0", "general: .inf", "departments.general")]
    [InlineData("general: 5.0", "general: 1e9", "departments.general")]
    [InlineData("general: 5.0", "general: lots", "lots")]
    [InlineData("general: daily", "general: hourly", "hourly")]
    [InlineData("general: daily", "general: 7", "reset_schedule.general")]
    [InlineData("general: daily", "", "departments.general has no reset schedule")]
    [InlineData("general: daily", "general: daily\n    dentistry: daily", "reset_schedule.dentistry")]
    [InlineData("reset_schedule:", "reset_schedules:", "reset_schedules")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  user: {epsilon: -1}", "user.epsilon")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  user: {epsilon: 1, resets: daily}", "resets")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  global: {reset: daily}", "epsilon")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  purposes: {x: {epsilon: 1e300}}", "purposes.x.epsilon")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  delta: 0", "delta")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  delta: 1", "delta")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  composition: magic", "magic")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  composition: rdp", "renyi_order")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  renyi_order: 3", "renyi_order")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  default_epsilon: {dentistry: 1}", "default_epsilon.dentistry")]
    [InlineData("privacy_budgets:", "privacy_budgets:\n  default_epsilon: {general: -1}", "default_epsilon.general")]
    public void A_policy_that_cannot_be_meant_is_refused_with_its_key(string right, string wrong, string named)
    {
        var refused = Assert.Throws<ConfigurationException>(() => PrivacyBudgetsPolicy.Parse(Specification.Replace(right, wrong, StringComparison.Ordinal), "budgets.yaml"));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_account_never_resets_and_counts_rho()
    {
        var policy = new DataBudget { Epsilon = 10 }.ToPolicy(AccountId.Data("mercy", "2026"), "data_budget");
        Assert.Equal((AccountKind.Data, ResetSchedule.Never, Composition.Zcdp), (policy.Kind, policy.Reset, policy.Composition));
        Assert.True(policy.Currency.EpsilonOf(policy.Budget) <= 10);
        Assert.True(policy.Currency.EpsilonOf(new BudgetUnits(policy.Budget.Value + 1000)) > 10);
        Assert.Throws<ArgumentException>(() => new AccountPolicy(AccountId.Data("mercy", "2026"), AccountKind.Data, Composition.Zcdp, 1, 1e-6, ResetSchedule.Monthly));
        Assert.Throws<ConfigurationException>(() => new DataBudget { Epsilon = double.NaN }.ToPolicy(AccountId.Data("mercy", "2026"), "data_budget"));
    }
}
