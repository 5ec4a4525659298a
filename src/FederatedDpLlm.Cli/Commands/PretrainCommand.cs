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
        var output = new Option<string>("--out") { Description = "The model's folder; created.", Required = true };
        var seed = new Option<ulong?>("--seed") { Description = "Of the initial weights; the recipe's by default." };
        var dataSeed = new Option<ulong?>("--data-seed") { Description = "Of the synthetic clinic; the recipe's by default." };
        var steps = new Option<int?>("--steps") { Description = "How long to train; the recipe's by default." };
        var threads = new Option<int>("--threads") { Description = "The result does not depend on them.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var json = JsonLine.Option();
        steps.Require(value => value is null or >= 1, "--steps is at least 1.");
        var command = new Command("pretrain", "Trains the small bundled model from its seed on a synthetic clinic.") { output, seed, dataSeed, steps, threads, json };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var recipe = PretrainingRecipe.Ward2M;
                var training = recipe.Training with
                {
                    Seed = parsed.GetValue(seed) ?? recipe.Training.Seed, Steps = parsed.GetValue(steps) ?? recipe.Training.Steps, Threads = parsed.GetValue(threads),
                };

                // Whoever says how long means the whole training.
                var refinement = parsed.GetValue(steps) is null && recipe.Refinement is { } second ? second with { Threads = parsed.GetValue(threads) } : null;
                return Run(
                    recipe with { DataSeed = parsed.GetValue(dataSeed) ?? recipe.DataSeed, Training = training, Refinement = refinement }, parsed.GetRequiredValue(output),
                    parsed.GetValue(json), cancellationToken);
            },
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
        catch (OperationCanceledException stopped)
        {
            throw new OperationCanceledException("stopped; the same command goes on from the last checkpoint.", stopped, cancellationToken);
        }

        if (json)
        {
            JsonLine.Write(new { folder, parameters = recipe.Shape.Parameters, steps = Steps(recipe), loss = last?.Loss, seconds = clock.Elapsed.TotalSeconds });
        }
        else
        {
            Console.Out.WriteLine($"{folder}: {recipe.Shape.Parameters:N0} parameters, {Steps(recipe)} steps in {clock.Elapsed.TotalMinutes:F1} minutes.");
        }

        return ExitCode.Good;
    }

    private static int Steps(PretrainingRecipe recipe) => recipe.Training.Steps + (recipe.Refinement?.Steps ?? 0);
}
