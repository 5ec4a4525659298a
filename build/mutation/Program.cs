using System.Globalization;
using System.IO.Enumeration;
using System.Text.Json;
using FederatedDpLlm.Mutation;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["host", var mode, var assembly, var mutated, var list])
{
    // Files that tests look for lie where the tests' own program would find them.
    AppContext.SetData("APP_CONTEXT_BASE_DIRECTORY", Path.GetDirectoryName(assembly) + Path.DirectorySeparatorChar);
    return TestHost.Serve(mode, assembly, mutated, list);
}

string[] known = ["--sample", "--seed", "--files", "--tests", "--seconds", "--again", "--minutes"];
if (args.Skip(2).Where((_, at) => at % 2 == 0).FirstOrDefault(name => !known.Contains(name)) is { } stranger || args.Length % 2 != 0)
{
    Console.Error.WriteLine($"mutate.sh: each option is one of {string.Join(", ", known)} with a value after it.");
    return 2;
}

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
var (root, project) = (Path.GetFullPath(args[0]), args[1]);
var sample = int.Parse(Option("--sample") ?? "300");
var seeds = (Option("--seed") ?? "1").Split(',');
var rooms = (Option("--files") ?? "*").Split(';').Select(room => room.Split(',')).ToArray();
var tests = (Option("--tests") ?? "*").Split(',');
var seconds = double.Parse(Option("--seconds") ?? "15");
var again = Option("--again");
var minutes = double.Parse(Option("--minutes") ?? "600");
var work = Path.Combine(root, "artifacts", "mutation", project);
var started = TimeProvider.System.GetTimestamp();

void Say(string text) => Console.Error.WriteLine($"[{TimeProvider.System.GetElapsedTime(started):hh\\:mm\\:ss}] {text}");

// One of the globs, and none of those after a "!".
static bool Matches(string[] globs, string name) =>
    globs.Any(glob => FileSystemName.MatchesSimpleExpression(glob, name)) && !globs.Any(glob => glob.StartsWith('!') && FileSystemName.MatchesSimpleExpression(glob.AsSpan(1), name));

// A copy of the tests' folder, with the mutated assembly in the place of the right one.
var bin = Path.Combine(work, "bin");
if (Directory.Exists(bin))
{
    Directory.Delete(bin, recursive: true);
}

var source = Path.Combine(root, "artifacts", "bin", $"{project}.Tests", "release");
foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
{
    var copy = Path.Combine(bin, Path.GetRelativePath(source, file));
    Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
    File.Copy(file, copy);
}

Say($"compiling all mutants of {project}");
var subject = new MutatedProject(Path.Combine(root, "src", project, $"{project}.csproj"));
var all = subject.Compile(file => rooms.Any(globs => Matches(globs, file.Replace('\\', '/'))), Path.Combine(bin, $"{subject.AssemblyName}.dll"));
var samples = seeds.SelectMany(seed => rooms.Select(globs => (Seed: seed, Globs: globs,
    Of: all.Where(mutant => Matches(globs, mutant.File.Replace('\\', '/'))).ToList() is var inRoom ? inRoom.Count : 0,
    Chosen: inRoom.OrderBy(mutant => mutant.Lot(seed), StringComparer.Ordinal).Take(sample).ToList()))).ToList();
// Seed by seed, and of each set the first, then the second: a run that is cut short has samples of one size.
var chosen = samples.SelectMany(one => one.Chosen.Select((mutant, i) => (Mutant: mutant, At: (Array.IndexOf(seeds, one.Seed), i)))).OrderBy(one => one.At).Select(one => one.Mutant).Distinct().ToList();
Say($"{all.Count} mutants compile, {chosen.Count} are tried; which test sees which?");
var campaign = new Campaign(Path.Combine(bin, $"{project}.Tests.dll"), subject.AssemblyName, work, seconds);
campaign.Cover(all.Count, name => Matches(tests, name));
File.WriteAllLines(Path.Combine(work, "times.txt"), campaign.Times);
campaign.LeftOut.ForEach(test => Say("left out, fails without a mutant: " + test));

var idsOfFile = all.GroupBy(mutant => mutant.File).ToDictionary(group => group.Key, group => group.Select(mutant => mutant.Id).ToHashSet());
var results = new Dictionary<Mutant, (Outcome Outcome, string By)>();
var report = Path.Combine(work, "report.txt");

// What an earlier run of the same code has killed stays killed by the same tests and more; mutants of one description count as killed where all of them were.
var before = (again is null ? [] : File.ReadLines(again)).Select(line => line.Split('\t')).ToLookup(parts => parts[1], parts => Enum.Parse<Outcome>(parts[0]));
foreach (var mutant in chosen.Where(mutant => before[$"{mutant}"].Count() == chosen.Count(other => $"{other}" == $"{mutant}") && before[$"{mutant}"].All(outcome => outcome is Outcome.Killed or Outcome.TimedOut)))
{
    results.Add(mutant, (before[$"{mutant}"].First(), again!));
}

foreach (var mutant in chosen.Where(mutant => !results.ContainsKey(mutant)).ToList())
{
    if (TimeProvider.System.GetElapsedTime(started).TotalMinutes > minutes)
    {
        Say($"stopped after {minutes} minutes; mutants were tried in random order, so the score is one of a smaller sample");
        break;
    }

    var (outcome, by) = campaign.Try(mutant, idsOfFile[mutant.File]);
    results.Add(mutant, (outcome, by));
    if (outcome is Outcome.Survived or Outcome.NotCovered || results.Count % 20 == 0)
    {
        Say($"{results.Count}/{chosen.Count} {outcome}: {mutant} {(outcome == Outcome.Survived ? by : "")}");
        File.WriteAllLines(report, Lines(results.Keys));
    }
}

IEnumerable<string> Lines(IEnumerable<Mutant> tried) => tried.OrderBy(mutant => results[mutant].Outcome).ThenBy(mutant => mutant.File, StringComparer.Ordinal).ThenBy(mutant => mutant.Start)
    .Select(mutant => $"{results[mutant].Outcome}\t{mutant}\t{results[mutant].By}");
File.WriteAllLines(report, Lines(results.Keys));
foreach (var kind in results.GroupBy(result => result.Key.Kind).OrderBy(group => group.Key, StringComparer.Ordinal))
{
    Say($"{kind.Key,-18} {kind.Count(result => result.Value.Outcome is Outcome.Killed or Outcome.TimedOut)} of {kind.Count()}");
}

foreach (var (seed, globs, of, drawn) in samples)
{
    var tried = drawn.Where(results.ContainsKey).ToList();
    int Count(Outcome outcome) => tried.Count(mutant => results[mutant].Outcome == outcome);
    Console.WriteLine(JsonSerializer.Serialize(new
    {
        project, files = globs, tests, seed, mutants = of, tried = tried.Count, killed = Count(Outcome.Killed), timedOut = Count(Outcome.TimedOut), survived = Count(Outcome.Survived), notCovered = Count(Outcome.NotCovered),
        score = tried.Count == 0 ? 0 : Math.Round(100.0 * (Count(Outcome.Killed) + Count(Outcome.TimedOut)) / tried.Count, 1), leftOut = campaign.LeftOut.Count, report = Path.GetRelativePath(root, report),
    }));
}

return 0;
