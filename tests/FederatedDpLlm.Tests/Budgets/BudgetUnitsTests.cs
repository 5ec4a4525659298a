using CsCheck;
using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Tests.Budgets;

public sealed class BudgetUnitsTests
{
    [Fact]
    public void A_cost_is_never_rounded_down_and_a_budget_never_up() =>
        Gen.Double[0, 8191].Sample(amount =>
        {
            Assert.True(BudgetUnits.OfCost(amount).ToDouble() >= amount);
            Assert.True(BudgetUnits.OfBudget(amount).ToDouble() <= amount);
            Assert.InRange(BudgetUnits.OfCost(amount).Value - BudgetUnits.OfBudget(amount).Value, 0, 1);
        });

    [Theory, InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(-1e-300), InlineData(8191.5)]
    public void What_is_no_amount_is_refused(double amount)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BudgetUnits.OfCost(amount));
        Assert.Throws<ArgumentOutOfRangeException>(() => BudgetUnits.OfBudget(amount));
    }

    [Fact]
    public void A_subnormal_cost_still_costs_a_unit() => Assert.Equal(1, BudgetUnits.OfCost(double.Epsilon).Value);

    [Fact]
    public void Adding_past_the_range_throws_instead_of_wrapping() =>
        Assert.Throws<OverflowException>(() => new BudgetUnits(long.MaxValue) + new BudgetUnits(1));
}
