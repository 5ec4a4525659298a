using System.CommandLine;
using System.Diagnostics;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm train</c>: one hospital fine-tunes a model on its own records with a promise to each patient. An interrupted run goes on from its last checkpoint.</summary>
internal static class TrainCommand
{
    private const int StepsBetweenReports = 10;

    public static Command Create()
    {
        var records = new Option<string>("--records") { Description = "The hospital's records (.jsonl, .csv, FHIR .ndjson).", Required = true };
        var output = new Option<string>("--out") { Description = "The adapter's folder (PEFT's layout); created.", Required = true };
        var model = new Option<string?>("--model") { Description = "The base model's safetensors folder or GGUF file; the bundled one by default." };
        var map = new Option<string?>("--map") { Description = "Columns of a CSV file: patientId=COLUMN,text=COLUMN+COLUMN." };
        var epsilon = new Option<double>("--epsilon") { Description = "The promise to each patient.", DefaultValueFactory = _ => 8 };
        var delta = new Option<double>("--delta") { Description = "At most one over the number of patients.", DefaultValueFactory = _ => 1e-5 };
        var steps = new Option<int>("--steps") { Description = "How long to train; more steps need more noise.", DefaultValueFactory = _ => 200 };
        var rate = new Option<double>("--sampling-rate") { Description = "Each patient's chance to take part in a step.", DefaultValueFactory = _ => 0.1 };
        var rank = new Option<int>("--rank") { Description = "Rank of the trained factors, 1 to 32.", DefaultValueFactory = _ => 8 };
        var threads = new Option<int>("--threads") { Description = "The result does not depend on them.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var json = JsonLine.Option();
        var command = new Command("train", "Fine-tunes a model on a hospital's records by DP-SGD; the adapter may be shown, the checkpoints may not.")
        {
            records, output, model, map, epsilon, delta, steps, rate, rank, threads, json,
        };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(
                () => HospitalRecords.Load(parsed.GetRequiredValue(records), parsed.GetValue(map) is { } columns ? ColumnMapping.Parse(columns) : null),
                () => new FineTuningPlan
                {
                    Epsilon = new Epsilon(parsed.GetValue(epsilon)), Delta = new Delta(parsed.GetValue(delta)), Steps = parsed.GetValue(steps), SamplingRate = parsed.GetValue(rate),
                    Rank = parsed.GetValue(rank), Threads = parsed.GetValue(threads), Records = Path.GetFileName(Path.TrimEndingDirectorySeparator(parsed.GetRequiredValue(records))),
                },
                parsed.GetValue(model),
                parsed.GetRequiredValue(output),
                parsed.GetValue(json),
                cancellationToken),
            cancellationToken));
        return command;
    }

    private static int Run(Func<HospitalRecords> load, Func<FineTuningPlan> draw, string? model, string output, bool json, CancellationToken cancellationToken)
    {
        try
        {
            var loaded = load();
            var plan = draw();
            var patients = loaded.Records.GroupBy(record => record.PatientId).OrderBy(notes => notes.Key, StringComparer.Ordinal)
                .Select(IReadOnlyList<string> (notes) => [.. notes.Select(note => note.Text)]).ToList();
            Console.Error.WriteLine($"{loaded.Records.Count} records of {patients.Count} patients, {loaded.SkippedCount} skipped.");
            var clock = Stopwatch.StartNew();
            using var random = new SecureRandom();
            var result = PrivateFineTuning.Run(model ?? BundledModel.Folder, patients, plan, output, random, progress => Report(progress, clock), cancellationToken);
            Show(result, plan, output, json, clock.Elapsed.TotalSeconds);
            return ExitCode.Good;
        }
        catch (OperationCanceledException stopped)
        {
            throw new OperationCanceledException("stopped; the same command goes on from the last checkpoint.", stopped, cancellationToken);
        }
    }

    private static void Report(PrivateTrainingProgress progress, Stopwatch clock)
    {
        if (progress.Step % StepsBetweenReports == 0 || progress.Step == progress.Steps)
        {
            Console.Error.WriteLine(
                $"step {progress.Step} of {progress.Steps}  {progress.Examples} patients  loss {progress.Loss:F3}  clipped {progress.ClippedShare:P0}  "
                + $"epsilon {progress.Epsilon:F2}  {progress.Tokens / clock.Elapsed.TotalSeconds:F0} tokens/s");
        }
    }

    private static void Show(FineTuningResult result, FineTuningPlan plan, string output, bool json, double seconds)
    {
        var rho = ZeroConcentrated.RhoOf(result.Statement.ReleasedUnder(NeighbouringRelation.ReplaceOne));
        if (json)
        {
            JsonLine.Write(new
            {
                adapter = output, epsilon = result.Epsilon, delta = plan.Delta.Value, noiseMultiplier = result.NoiseMultiplier, steps = plan.Steps, samplingRate = plan.SamplingRate,
                patients = result.Patients, servingRho = rho, seconds,
            });
        }
        else
        {
            Console.Out.WriteLine(
                $"{output}: an adapter of rank {plan.Rank}; each of {result.Patients} patients is promised epsilon {result.Epsilon:F2} at delta {plan.Delta}, noise {result.NoiseMultiplier:F2}.");
            Console.Out.WriteLine($"{AdapterStatement.FileName} beside it states what was released. A node that serves it charges that once: rho {rho:G4} (composition zcdp) for each of 'hospitals_per_patient'.");
        }
    }
}
