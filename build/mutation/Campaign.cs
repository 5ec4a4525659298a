using System.Diagnostics;

namespace FederatedDpLlm.Mutation;

internal enum Outcome
{
    Survived,
    NotCovered,
    Killed,
    TimedOut,
}

/// <summary>Which tests see which mutant, and what becomes of each mutant: one process a mutant, so that nothing of one is left in the next.</summary>
internal sealed class Campaign(string testAssembly, string mutatedAssembly, string workFolder, double secondsPerMutant)
{
    private const double StuckSeconds = 60;
    private readonly Dictionary<string, (double Milliseconds, HashSet<int> Seen)> _tests = [];
    private readonly Dictionary<(string File, string Test), int> _kills = [];
    private HashSet<int> _initial = [];

    /// <summary>Every test's name and how long it takes without a mutant.</summary>
    public IEnumerable<string> Times => _tests.OrderBy(test => test.Value.Milliseconds).Select(test => $"{test.Value.Milliseconds}\t{test.Key}");

    /// <summary>Tests that do not pass here even without a mutant.</summary>
    public List<string> LeftOut { get; } = [];

    public void Cover(int mutants, Func<string, bool> isChosen)
    {
        var names = Host("names", [], []).Output.Where(isChosen);
        foreach (var line in Host("cover", names, new() { ["MUTANTS"] = $"{mutants}" }).Output)
        {
            if (line.Split('\t') is not [var name, var milliseconds, var failure, var ids])
            {
                continue;
            }

            var seen = ids.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToHashSet();
            if (name == "initial")
            {
                _initial = seen;
            }
            else if (failure.Length > 0)
            {
                LeftOut.Add($"{name} ({failure})");
            }
            else
            {
                _tests[name] = (double.Parse(milliseconds, System.Globalization.CultureInfo.InvariantCulture), seen);
            }
        }
    }

    public (Outcome Outcome, string By) Try(Mutant mutant, IReadOnlyCollection<int> idsOfFile)
    {
        // What is computed once is seen by the first test only, and matters to all that use the file.
        var isInitial = _initial.Contains(mutant.Id);
        var room = $".{Path.GetDirectoryName(mutant.File)?.Replace('/', '.')}.";
        var tests = _tests.Where(test => isInitial ? idsOfFile.Any(test.Value.Seen.Contains) : test.Value.Seen.Contains(mutant.Id))
            .OrderBy(test => test.Value.Milliseconds * (test.Key.Contains(room, StringComparison.Ordinal) ? 0.25 : 1) / (1 + _kills.GetValueOrDefault((mutant.File, test.Key)))).ToList();
        if (tests.Count == 0)
        {
            return (Outcome.NotCovered, "");
        }

        // The fastest first, those of the same room and those that killed others of the same file a little sooner, and of the slow ones as many as the time allows: by what they took without a mutant, so that the machine's load decides nothing.
        var total = 0.0;
        var chosen = tests.TakeWhile((test, i) => (total += test.Value.Milliseconds) <= 1000 * secondsPerMutant || i == 0).ToList();
        var (exitCode, output) = Host("try", chosen.Select(test => $"{test.Key}\t{test.Value.Milliseconds}"), new() { ["MUTANT"] = $"{mutant.Id}" });
        var by = output.LastOrDefault(line => line.StartsWith("killed", StringComparison.Ordinal))?.Split('\t')[1] ?? "the process ended";
        if (exitCode is not (0 or null or TestHost.Stuck))
        {
            _kills[(mutant.File, by)] = _kills.GetValueOrDefault((mutant.File, by)) + 1;
        }

        return exitCode switch
        {
            0 => (Outcome.Survived, $"{chosen.Count} of {tests.Count} tests"),
            null or TestHost.Stuck => (Outcome.TimedOut, ""),
            _ => (Outcome.Killed, by),
        };
    }

    // Time is the processor's, so that a busy machine kills no mutant; only one that neither works nor ends is cut off by the clock.
    private (int? ExitCode, List<string> Output) Host(string mode, IEnumerable<string> tests, Dictionary<string, string> environment)
    {
        var list = Path.Combine(workFolder, "tests.txt");
        File.WriteAllLines(list, tests);
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(Campaign).Assembly.Location, "host", mode, testAssembly, mutatedAssembly, list]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment.Append(new("CsCheck_Threads", "1")).Append(new("DOTNET_TieredPGO", "0")))
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = new List<string>();
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                output.Add(line.Data);
            }
        };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var (worked, idleSince) = (TimeSpan.Zero, Stopwatch.GetTimestamp());
        while (!process.WaitForExit(200))
        {
            process.Refresh();
            if (WorkedBy(process) is not { } now)
            {
                break;
            }

            if (now - worked > TimeSpan.FromMilliseconds(20))
            {
                (worked, idleSince) = (now, Stopwatch.GetTimestamp());
            }

            if (Stopwatch.GetElapsedTime(idleSince).TotalSeconds > StuckSeconds)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
                return (null, output);
            }
        }

        process.WaitForExit();
        return (process.ExitCode, output);
    }

    // Null where it has ended since the last look.
    private static TimeSpan? WorkedBy(Process process)
    {
        try
        {
            return process.TotalProcessorTime;
        }
        catch (Exception ended) when (ended is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
