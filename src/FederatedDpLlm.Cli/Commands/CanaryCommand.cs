using System.CommandLine;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Training.Canaries;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Privacy.Sampling;
using Spectre.Console;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm demo canary</c>: what a model gives away that was fine-tuned on private notes, with and without differential privacy.</summary>
internal static class CanaryCommand
{
    private const int StepsBetweenReports = 25;

    public static Command Create()
    {
        var defaults = new CanaryOptions();
        var model = new Option<string?>("--model") { Description = "A model's folder; the bundled one by default." };
        var epsilon = new Option<double>("--epsilon") { Description = "The promise of the private training, above 0.", DefaultValueFactory = _ => defaults.Epsilon };
        var steps = new Option<int>("--steps") { Description = "Steps of both trainings.", DefaultValueFactory = _ => defaults.Steps };
        var notes = new Option<int>("--notes") { Description = "Notes, of which 100 hold a planted number; at least 200, which is the short form.", DefaultValueFactory = _ => defaults.Notes };
        var seed = new Option<ulong>("--seed") { Description = "Of the notes and the planted numbers; subsets and noise are fresh in every run.", DefaultValueFactory = _ => defaults.Seed };
        var threads = new Option<int>("--threads") { Description = "The results do not depend on them.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var json = JsonLine.Option();
        epsilon.Require(value => value is > 0.01 and <= 100, "--epsilon is above 0.01 and at most 100.");
        steps.Require(value => value is >= 1 and <= 100_000, "--steps is 1 to 100000.");
        notes.Require(value => value is >= 200 and <= 100_000, "--notes is 200 to 100000.");
        threads.Require(value => value is >= 1 and <= 256, "--threads is 1 to 256.");
        var command = new Command("canary", "Plants made-up insurance numbers in notes, fine-tunes with and without privacy, and tries to get the numbers back.")
        {
            model, epsilon, steps, notes, seed, threads, json,
        };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(
                parsed.GetValue(model),
                defaults with
                {
                    Epsilon = parsed.GetValue(epsilon), Steps = parsed.GetValue(steps), Notes = parsed.GetValue(notes), Seed = parsed.GetValue(seed),
                    Threads = parsed.GetValue(threads),
                },
                parsed.GetValue(json),
                cancellationToken),
            cancellationToken));
        return command;
    }

    private static int Run(string? folder, CanaryOptions options, bool json, CancellationToken cancellationToken)
    {
        using var random = new SecureRandom();
        Show(CanaryExperiment.Run(folder ?? BundledModel.Folder, options, random, Report, cancellationToken), options, json);
        return ExitCode.Good;
    }

    private static void Report(string doing, PrivateTrainingProgress? progress)
    {
        if (progress is null)
        {
            Console.Error.WriteLine(doing + " ...");
        }
        else if (progress.Step % StepsBetweenReports == 0)
        {
            Console.Error.WriteLine($"{doing}: step {progress.Step} of {progress.Steps}  loss {progress.Loss:F3}  epsilon {progress.Epsilon:F2}");
        }
    }

    private static void Show(CanaryReport report, CanaryOptions options, bool json)
    {
        if (json)
        {
            JsonLine.Write(new
            {
                withoutPrivacy = Json(report.WithoutPrivacy), withPrivacy = Json(report.WithPrivacy), untrained = Json(report.Untrained), delta = report.Delta,
                noiseMultiplier = report.NoiseMultiplier, seed = options.Seed, steps = options.Steps, notes = options.Notes, samplingRate = options.SamplingRate,
            });
            return;
        }

        var table = new Table().AddColumns("", "before training", "without privacy", $"with privacy, epsilon {report.WithPrivacy.Epsilon:F1}");
        void Row(string name, Func<CanaryOutcome, string> of) => table.AddRow(name, of(report.Untrained), of(report.WithoutPrivacy), of(report.WithPrivacy));
        Row("numbers recited in full", outcome => $"{outcome.Recited} of {outcome.Planted}");
        Row("exposure, median (chance 1, most 13.3)", outcome => $"{outcome.ExposureBits:F1} bits");
        Row("notes told from others (chance 0.50)", outcome => $"{outcome.MembershipAuc:F3}");
        Row("loss on other notes, nats a token", outcome => $"{outcome.LossOnOthers:F3}");
        AnsiConsole.Write(table);
        Console.Out.WriteLine($"{options.Steps} steps over {options.Notes} notes of seed {options.Seed}.");
        Console.Out.WriteLine("Exposure: log2(10,000 / rank) of a number's first four digits among all 10,000. Told from others: by how far a note's loss fell (AUC).");
    }

    private static object Json(CanaryOutcome outcome) => new
    {
        epsilon = outcome.Epsilon,
        exposureBits = outcome.ExposureBits,
        meanExposureBits = outcome.MeanExposureBits,
        recited = outcome.Recited,
        planted = outcome.Planted,
        membershipAuc = outcome.MembershipAuc,
        lossOnOthers = outcome.LossOnOthers,
    };
}
