using CsCheck;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Privacy.Tests.Accounting;

/// <summary>Plans with sampling have no closed form: the bracket of a 16 times finer lattice holds the truth, and the usual bracket is held to it.</summary>
public sealed class SampledPlanTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private static readonly Delta Delta = new(1e-6);

    [Fact]
    public void Eight_sampled_plans_agree_with_a_16_times_finer_lattice() => Agree(8);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void Forty_sampled_plans_agree_with_a_16_times_finer_lattice() => Agree(40);

    [Fact, Trait(TestLength.Name, TestLength.Long)]
    public void Three_hundred_sampled_plans_agree_with_a_16_times_finer_lattice() => Agree(300);

    // Plans of a well-known library's test-suite; its published upper bounds less their stated error, computed anew by two implementations of others.
    [Theory, InlineData(1, 0.01, 1000, 1e-5, 1.828237), InlineData(1.5, 0.05, 1000, 1e-6, 6.199692), InlineData(3, 0.001, 20_000, 1e-6, 0.18399), InlineData(2, 0.02, 5000, 1e-6, 3.609210)]
    public void The_bracket_of_a_known_plan_is_tight_on_both_sides(double sigma, double rate, long count, double delta, double known)
    {
        var bracket = PrivacyLoss.EpsilonAt(Training(rate, sigma, count), new(delta));
        Assert.InRange(known, bracket.Lower - 5e-6, bracket.Upper + 5e-6);
        Assert.True(bracket.Upper - bracket.Lower <= (0.001 * known) + 1.2e-3, $"{bracket}");
    }

    [Fact]
    public void A_finer_lattice_never_loosens_the_bracket_beyond_rounding()
    {
        var plan = Training(0.02, 0.8, 300);
        var widths = new[] { 1e-3, 5e-4, 2e-4, 1e-4 }.Select(interval => PrivacyLoss.EpsilonAt(plan, Delta, interval)).ToArray();
        foreach (var (coarse, fine) in widths.Zip(widths.Skip(1)))
        {
            Assert.True(fine.Upper <= coarse.Upper + 1e-9 && fine.Lower >= coarse.Lower - 1e-9, $"{coarse}, then {fine}");
        }
    }

    private static PrivacyEvent Training(double rate, double sigma, long count) => new PoissonSampledEvent(rate, new GaussianEvent(sigma, Add)).Times(count);

    private static Gen<PrivacyEvent> Plans { get; } = Gen.Select(Gen.Double[-3, -0.7], Gen.Double[0.7, 4], Gen.Int[2, 2000], Gen.Int[0, 7]).Select((logRate, sigma, count, kind) =>
    {
        var rate = Math.Pow(10, logRate);
        return kind switch
        {
            0 => new PoissonSampledEvent(rate, new LaplaceEvent(sigma, Add)).Times(count),
            1 => new MixtureOfGaussiansEvent(sigma * 2, [0, 1, 2], [1 - rate, rate * 0.75, rate * 0.25], Add).Times(count),
            2 => new ComposedEvent(Add, Training(rate, sigma, count), new LaplaceEvent(5 * sigma, Add).Times(3), new GaussianEvent(5 * sigma, Add).Times(2)),
            3 => new PoissonSampledEvent(rate, new GaussianEvent(sigma, NeighbouringRelation.ReplaceOne)).Times(count),
            _ => Training(rate, sigma, count),
        };
    });

    private static void Agree(int plans) => Gen.Select(Plans, Gen.Double[-8, -3]).Sample((released, logDelta) =>
    {
        Delta delta = new(Math.Pow(10, logDelta));
        var usual = PrivacyLoss.EpsilonAt(released, delta);
        var fine = PrivacyLoss.EpsilonAt(released, delta, PrivacyLoss.Interval(released, delta) / 16);
        Assert.True(fine.Upper - fine.Lower <= (0.003 * fine.Upper) + 1e-4, $"The finer bracket says too little: {fine} for {released} at {delta}");
        Assert.True(usual.Upper >= fine.Lower, $"Below the truth: {usual} against {fine} for {released} at {delta}");
        Assert.True(usual.Lower <= fine.Upper, $"The lower end is above the truth: {usual} against {fine} for {released} at {delta}");
        Assert.True(usual.Upper <= (fine.Lower * 1.01) + 1e-4, $"More than 1 % above: {usual} against {fine} for {released} at {delta}");
        Assert.True(usual.Lower >= (fine.Upper * 0.99) - 1e-4, $"The lower end is more than 1 % below: {usual} against {fine} for {released} at {delta}");

        // Renyi accounting counts as seen who was drawn under the replace relation, so there it is far above; nowhere may it be below.
        Assert.True(fine.Lower <= (Renyi.EpsilonAt(released, delta) * (1 + 1e-9)) + 1e-9, $"Renyi accounting is below the truth for {released} at {delta}");
    }, iter: plans, threads: 1);
}
