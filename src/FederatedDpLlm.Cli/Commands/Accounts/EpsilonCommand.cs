using System.CommandLine;
using System.Globalization;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary><c>fedllm account epsilon</c>: what a plan costs.</summary>
internal static class EpsilonCommand
{
    public static Command Create()
    {
        var options = new ReleaseOptions();
        var command = new Command("epsilon", "The epsilon of a plan at a delta: a bracket, and rho where there is one.");
        options.AddTo(command, withNoise: true);
        command.SetAction(parsed => Show(options, parsed));
        return command;
    }

    private static void Show(ReleaseOptions options, ParseResult parsed)
    {
        var released = options.Of(parsed);
        var delta = options.DeltaOf(parsed);
        var bracket = PrivacyLoss.EpsilonAt(released, delta);
        var rho = Rho(released);
        if (parsed.GetValue(options.Json))
        {
            JsonLine.Write(new { epsilon = bracket.Upper, epsilonLower = bracket.Lower, delta = delta.Value, rho, relation = released.Relation.ToString() });
            return;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"epsilon {bracket.Upper:G8} at delta {delta.Value:G4} (not below {bracket.Lower:G8}), {released.Relation}"));
        Console.WriteLine(rho is { } known ? string.Create(CultureInfo.InvariantCulture, $"rho     {known:G8}") : "rho     no bound");
    }

    private static double? Rho(PrivacyEvent released)
    {
        try
        {
            return ZeroConcentrated.RhoOf(released);
        }
        catch (UnaccountableEventException)
        {
            return null;
        }
    }
}
