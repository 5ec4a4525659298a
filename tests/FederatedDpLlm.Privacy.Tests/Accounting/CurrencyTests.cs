using CsCheck;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

public sealed class CurrencyTests
{
    private static readonly Delta Delta = new(1e-6);

    private static IEnumerable<Currency> All(Epsilon budget) =>
        [Currency.Basic(Delta), Currency.Advanced(Delta), Currency.ZeroConcentrated(Delta), Currency.Renyi(budget, Delta)];

    [Fact]
    public void A_spent_budget_means_at_most_the_epsilon_it_was_made_for() =>
        Gen.Double[0.001, 100].Sample(epsilon => Assert.All(All(new(epsilon)), currency =>
        {
            var read = currency.EpsilonOf(currency.BudgetFor(new(epsilon)));
            Assert.InRange(read, epsilon * (1 - 1e-6), epsilon);
        }));

    [Fact]
    public void A_choice_of_epsilon_1_costs_exactly_1_where_epsilons_add_up() =>
        Assert.Equal(1.0, Currency.Basic(Delta).CostOf(new ExponentialMechanismEvent(1, NeighbouringRelation.ReplaceOne)));

    [Fact]
    public void Splitting_a_release_never_makes_it_cheaper() =>
        Gen.Select(Gen.Double[-12, 0], Gen.Int[2, 1000]).Sample((logRho, parts) =>
        {
            var part = new ZeroConcentratedEvent(new(Math.Pow(10, logRho)), NeighbouringRelation.ReplaceOne);
            Assert.All(All(new(4)), currency => Assert.True(parts * currency.CostOf(part) >= currency.CostOf(part.Times(parts)) * (1 - 1e-12)));
        });

    [Fact]
    public void A_sum_of_small_costs_at_one_delta_is_no_less_than_the_tight_epsilon_of_them_all() =>
        Gen.Select(Gen.Double[-15, -1], Gen.Int[1, 1_000_000]).Sample((logRho, count) =>
        {
            var rho = Math.Pow(10, logRho);
            var sum = count * Currency.Basic(Delta).CostOf(new ZeroConcentratedEvent(new(rho), NeighbouringRelation.ReplaceOne));
            Assert.True(sum >= ZeroConcentrated.EpsilonAt(new(count * rho), Delta) - 1e-12);
        });

    [Fact]
    public void Free_is_free_and_unprotected_is_infinite_in_every_currency() => Assert.All(All(new(1)), currency =>
    {
        Assert.Equal(0, currency.CostOf(new ZeroEvent("public-model", NeighbouringRelation.ReplaceOne)));
        Assert.Equal(double.PositiveInfinity, currency.CostOf(new NonPrivateEvent(NeighbouringRelation.ReplaceOne)));
    });
}
