using System.Diagnostics;
using System.Runtime.CompilerServices;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Training.Corpus;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>From the start of the program to the first piece of text, as somebody at a terminal sees it; and how fast one answer of the bundled model streams.</summary>
internal sealed class FirstTokenClaim : IClaim
{
    private const int Rounds = 5;
    private const int Tokens = 400;

    public string Name => "first-token";

    public string Description => "Milliseconds from starting 'fedllm generate' to its first text, and tokens per second of one stream of the bundled model.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var model = Path.Combine(Repository.Root, "models", "ward-2m");
        var first = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            var milliseconds = await FirstTextAsync(model, cancellationToken);
            if (round > 0)
            {
                first.Add(milliseconds);
            }
        }

        yield return new Measurement("first text of 'fedllm generate'", Median.Of(first), "ms", "two seconds", 2000, LowerIsBetter: true);
        foreach (var threads in new[] { 1, 2 })
        {
            var (setting, speeds) = ($"one stream, {threads} thread{(threads > 1 ? "s" : string.Empty)}", Streams(model, threads, cancellationToken));
            yield return new Measurement(setting, Median.Of(speeds.Select(speed => speed.Wall)), "tokens/s");
            yield return new Measurement(setting, Median.Of(speeds.Select(speed => speed.Processor)), "tokens/CPU-s");
        }
    }

    private static async Task<double> FirstTextAsync(string model, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments =
        [
            Path.Combine(Repository.Root, "artifacts", "bin", "FederatedDpLlm.Cli", "release", "fedllm.dll"), "generate", "--model", model, "--prompt", "Chest pain since", "--tokens", "64",
            "--greedy",
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        await process.StandardOutput.ReadAsync(new char[1], cancellationToken);
        var elapsed = clock.Elapsed.TotalMilliseconds;
        await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? elapsed : throw new InvalidOperationException("fedllm generate failed; build the command line first.");
    }

    private static List<(double Wall, double Processor)> Streams(string path, int threads, CancellationToken cancellationToken)
    {
        var model = LanguageModel.Load(path, threads);
        var prompt = model.Template.Encode([], [new ClinicalCorpus(5).Record(1).Text], 256);
        var speeds = new List<(double Wall, double Processor)>();
        for (var round = -1; round < Rounds; round++)
        {
            using var batch = model.OpenBatch([prompt], cancellationToken);
            var (clock, used) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            for (var token = 0; token < Tokens; token++)
            {
                batch.Append(token, cancellationToken);
            }

            if (round >= 0)
            {
                speeds.Add((Tokens / clock.Elapsed.TotalSeconds, Tokens / (Environment.CpuUsage.TotalTime - used).TotalSeconds));
            }
        }

        return speeds;
    }
}
