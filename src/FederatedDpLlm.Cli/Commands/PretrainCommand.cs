using System.CommandLine;
using System.Diagnostics;
using FederatedDpLlm.Models.Training;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm pretrain</c>: makes the bundled model again from its recipe. An interrupted run goes on from its last checkpoint.</summary>
internal static class PretrainCommand
{
    private const int StepsBetweenReports = 20;

    public static Command Create()
    {
        var recipe = PretrainingRecipe.Ward;
        var output = new Option<string>("--out") { Description = "The model's folder; created.", Required = true };
        var seed = new Option<ulong>("--seed") { Description = "Of the initial weights.", DefaultValueFactory = _ => recipe.Training.Seed };
        var dataSeed = new Option<ulong>("--data-seed") { Description = "Of the synthetic clinic.", DefaultValueFactory = _ => recipe.DataSeed };
        var steps = new Option<int>("--steps") { Description = "How long to train.", DefaultValueFactory = _ => recipe.Training.Steps };
        var threads = new Option<int>("--threads") { Description = "The result does not depend on them.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var json = new Option<bool>("--json") { Description = "Exactly one line of JSON on standard output." };
        var command = new Command("pretrain", "Trains the small bundled model from its seed on a synthetic clinic.") { output, seed, dataSeed, steps, threads, json };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(
                recipe with
                {
                    DataSeed = parsed.GetValue(dataSeed),
                    Training = recipe.Training with { Seed = parsed.GetValue(seed), Steps = parsed.GetValue(steps), Threads = parsed.GetValue(threads) },
                },
                parsed.GetRequiredValue(output),
                parsed.GetValue(json),
                cancellationToken),
            cancellationToken));
        return command;
    }

    private static int Run(PretrainingRecipe recipe, string folder, bool json, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        TrainingProgress? last = null;
        try
        {
            Pretraining.Run(
                recipe,
                folder,
                progress =>
                {
                    last = progress;
                    if (progress.Step % StepsBetweenReports == 0 || progress.Step == progress.Steps)
                    {
                        Console.Error.WriteLine(
                            $"step {progress.Step} of {progress.Steps}  loss {progress.Loss:F3}  {progress.Tokens / clock.Elapsed.TotalSeconds:F0} tokens/s");
                    }
                },
                cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("pretrain: stopped; the same command goes on from the last checkpoint.");
            return LedgerOptions.Bad;
        }

        if (json)
        {
            JsonLine.Write(new { folder, parameters = recipe.Shape.Parameters, steps = recipe.Training.Steps, loss = last?.Loss, seconds = clock.Elapsed.TotalSeconds });
        }
        else
        {
            Console.Out.WriteLine($"{folder}: {recipe.Shape.Parameters:N0} parameters, {recipe.Training.Steps} steps in {clock.Elapsed.TotalMinutes:F1} minutes.");
        }

        return LedgerOptions.Good;
    }
}
