using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Budgets;

/// <summary>The ranges of a policy's numbers, with errors that name the key and say what to write instead.</summary>
internal static class PolicyNumbers
{
    public const double LargestEpsilon = 8191;

    public static void CheckEpsilon(string key, double epsilon) =>
        Check(epsilon >= 0 && epsilon <= LargestEpsilon, key, epsilon, $"write a number from 0 (nothing is admitted) to {LargestEpsilon}");

    public static void CheckReset(string key, ResetSchedule reset) =>
        Check(Enum.IsDefined(reset), key, reset, "write daily, weekly, monthly or never");

    public static void CheckCurrency(string key, Composition composition, double delta, double? renyiOrder)
    {
        Check(Enum.IsDefined(composition), key + ".composition", composition, "write basic, advanced, zcdp or rdp");
        Check(delta > 0 && delta < 1, key + ".delta", delta, "write a number above 0 and below 1, such as 1e-6");
        if (composition == Composition.Rdp)
        {
            Check(renyiOrder is > 1 and < double.PositiveInfinity, key + ".renyi_order", renyiOrder, "composition rdp needs one order, a number above 1, such as 16");
        }
        else
        {
            Check(renyiOrder is null, key + ".renyi_order", renyiOrder, "remove it, or write composition: rdp");
        }
    }

    private static void Check<T>(bool right, string key, T value, string advice)
    {
        if (!right)
        {
            throw new ConfigurationException(FormattableString.Invariant($"{key} is {value?.ToString() ?? "missing"}: {advice}."));
        }
    }
}
