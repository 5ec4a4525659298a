using System.CommandLine;
using System.Globalization;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Mechanisms;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary><c>fedllm account plan training | answer | votes | resets</c>: whole plans from a promise.</summary>
internal static class PlanCommand
{
    public static Command Create() => new("plan", "Whole plans from a promise: a training run, a decoded answer, votes over time, and what refilling quotas adds up to.")
    {
        Training(),
        Answer(),
        Votes(),
        Resets(),
    };

    private static Command Training()
    {
        Option<double> epsilon = Required("--epsilon"), delta = Delta(), rate = Required("--rate");
        Option<long> steps = new("--steps") { Required = true };
        return Make("training", "Noise multiplier of a training run with Poisson-sampled batches.", [epsilon, delta, rate, steps], parsed =>
        {
            Delta at = new(parsed.GetValue(delta));
            PrivacyEvent Run(double noise) => new PoissonSampledEvent(parsed.GetValue(rate), new GaussianEvent(noise, NeighbouringRelation.AddOrRemoveOne)).Times(parsed.GetValue(steps));
            var noise = NoiseCalibration.Smallest(Run, new(parsed.GetValue(epsilon)), at);
            return new() { ["noiseMultiplier"] = noise, ["epsilon"] = PrivacyLoss.EpsilonAt(Run(noise), at).Upper, ["epsilonByRenyi"] = Renyi.EpsilonAt(Run(noise), at) };
        });
    }

    private static Command Answer()
    {
        Option<double> epsilon = Required("--epsilon"), delta = Delta(), temperature = new("--temperature") { DefaultValueFactory = _ => 1 };
        Option<int> tokens = new("--tokens") { Required = true }, voters = new("--voters") { Required = true };
        return Make("answer", "Clip norm of a privately decoded answer, where a patient can change one voter into anything.", [epsilon, delta, temperature, tokens, voters], parsed =>
        {
            var decoding = ClippedLogitDecoding.ForEpsilon(
                new(parsed.GetValue(epsilon)), new(parsed.GetValue(delta)), parsed.GetValue(tokens), parsed.GetValue(voters), parsed.GetValue(temperature), NeighbouringRelation.ReplaceOne);
            return new()
            {
                ["clipNorm"] = decoding.ClipNorm,
                ["largestShiftNats"] = decoding.ClipNorm / decoding.Temperature,
                ["rhoPerToken"] = decoding.RhoPerToken.Value,
                ["rho"] = ZeroConcentrated.RhoOf(decoding.Event(decoding.MaxTokens)),
            };
        });
    }

    private static Command Votes()
    {
        Option<double> epsilon = Required("--epsilon"), delta = Delta();
        Option<long> perDay = new("--per-day") { Required = true }, days = new("--days") { DefaultValueFactory = _ => 365 };
        return Make("votes", "Epsilon of each vote so that all of them keep the promise (zCDP).", [epsilon, delta, perDay, days], parsed =>
        {
            var votes = checked(parsed.GetValue(perDay) * parsed.GetValue(days));
            ArgumentOutOfRangeException.ThrowIfLessThan(votes, 1, "votes");
            var rho = ZeroConcentrated.RhoFor(new(parsed.GetValue(epsilon)), new(parsed.GetValue(delta))).Value;
            var choice = ExponentialMechanism.ForEpsilon(new(Math.Sqrt(8 * rho / votes)), NeighbouringRelation.ReplaceOne);
            return new() { ["votes"] = votes, ["epsilonEach"] = choice.Epsilon.Value, ["beta"] = choice.Beta, ["rhoEach"] = choice.Rho.Value };
        });
    }

    private static Command Resets()
    {
        Option<double> epsilon = Required("--epsilon"), delta = Delta();
        Option<long> windows = new("--windows") { Required = true };
        return Make("resets", "What a quota that refills adds up to for the people in the data, if its windows are used up.", [epsilon, delta, windows], parsed =>
        {
            Delta at = new(parsed.GetValue(delta));
            var growth = ResetGrowth.After(new(parsed.GetValue(epsilon)), at, parsed.GetValue(windows), at);
            return new() { ["basicEpsilon"] = growth.BasicEpsilon, ["zcdpEpsilon"] = growth.ConcentratedEpsilon };
        });
    }

    private static Command Make(string name, string description, Option[] options, Func<ParseResult, Dictionary<string, double>> compute)
    {
        var json = JsonLine.Option();
        var command = new Command(name, description) { json };
        Array.ForEach(options, command.Add);
        command.SetAction(parsed =>
        {
            var results = compute(parsed);
            if (parsed.GetValue(json))
            {
                JsonLine.Write(results);
                return;
            }

            foreach (var (key, value) in results)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key,-18} {value:G8}"));
            }
        });
        return command;
    }

    private static Option<double> Required(string name) => new(name) { Required = true };

    private static Option<double> Delta() => new("--delta") { DefaultValueFactory = _ => 1e-6 };
}
