using System.CommandLine;
using System.Globalization;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary><c>fedllm account noise</c>: which noise a promise needs.</summary>
internal static class NoiseCommand
{
    public static Command Create()
    {
        var options = new ReleaseOptions();
        var epsilon = new Option<double>("--epsilon") { Description = "The promise", Required = true };
        var command = new Command("noise", "The smallest noise, over the sensitivity, with which a plan keeps (epsilon, delta).") { epsilon };
        options.AddTo(command, withNoise: false);
        command.SetAction(parsed => Show(options, parsed, parsed.GetValue(epsilon)));
        return command;
    }

    private static void Show(ReleaseOptions options, ParseResult parsed, double epsilon)
    {
        var delta = options.DeltaOf(parsed);
        var count = parsed.GetValue(options.Count);
        var noise = NoiseCalibration.Smallest(multiplier => options.Once(parsed, multiplier).Times(count), new(epsilon), delta);
        var reached = PrivacyLoss.EpsilonAt(options.Once(parsed, noise).Times(count), delta).Upper;
        if (parsed.GetValue(options.Json))
        {
            JsonLine.Write(new { noiseMultiplier = noise, epsilon = reached, delta = delta.Value });
            return;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"noise {noise:G8} times the sensitivity (epsilon {reached:G8} at delta {delta.Value:G4})"));
    }
}
