using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>epsilon of a repeated event by each accountant; null where one has no bound.</summary>
internal static class Accountants
{
    public static readonly (string Name, Func<PrivacyEvent, long, Delta, double?> Epsilon)[] All =
    [
        ("basic", Basic),
        ("advanced", Advanced),
        ("rdp", (one, count, delta) => Bounded(() => Renyi.EpsilonAt(one.Times(count), delta))),
        ("zcdp", (one, count, delta) => Bounded(() => ZeroConcentrated.RhoOf(one.Times(count)) is var rho && double.IsFinite(rho) ? ZeroConcentrated.EpsilonAt(new(rho), delta) : rho)),
        ("pld", (one, count, delta) => Bounded(() => PrivacyLoss.EpsilonAt(one.Times(count), delta).Upper)),
    ];

    // k times the epsilon of one at delta/k.
    private static double? Basic(PrivacyEvent one, long count, Delta delta) =>
        Bounded(() => Math.Min(PureDp.EpsilonOf(one.Times(count)), count * PrivacyLoss.EpsilonAt(one, new(delta.Value / count)).Upper));

    // The optimal theorem for k guarantees known only by their (epsilon, delta): half of delta for the releases, half for the composition.
    private static double? Advanced(PrivacyEvent one, long count, Delta delta)
    {
        if (count > 100_000)
        {
            return null;
        }

        var pure = PureDp.EpsilonOf(one);
        Delta each = new(double.IsFinite(pure) ? 0 : delta.Value / 2 / count);
        return Bounded(() => PrivacyLoss.EpsilonAt(one, each).Upper is var epsilon && double.IsFinite(epsilon)
            ? AdvancedComposition.OptimalEpsilon(new(epsilon), each, (int)count, delta)
            : epsilon);
    }

    private static double? Bounded(Func<double?> epsilon)
    {
        try
        {
            return epsilon() is { } value && double.IsFinite(value) ? value : null;
        }
        catch (Exception none) when (none is UnaccountableEventException or ArithmeticException)
        {
            return null;
        }
    }
}
