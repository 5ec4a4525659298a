using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using FederatedDpLlm.Benchmarks;

var claims = Assembly.GetExecutingAssembly().GetTypes()
    .Where(type => type is { IsClass: true, IsAbstract: false } && typeof(IClaim).IsAssignableFrom(type))
    .Select(type => (IClaim)Activator.CreateInstance(type)!)
    .OrderBy(claim => claim.Name, StringComparer.Ordinal)
    .ToList();

// NAME --now measures at once, whatever else the machine does.
var now = args is [_, "--now"];
args = now ? args[..1] : args;
if (args is not [var name] || name is "-h" or "--help" or "list")
{
    foreach (var claim in claims)
    {
        Console.WriteLine($"{claim.Name,-24} {claim.Description}");
    }

    return args is [] or ["list"] or ["-h"] or ["--help"] ? 0 : 2;
}

if (claims.Find(claim => claim.Name == name) is not { } chosen)
{
    Console.Error.WriteLine($"bench: there is no benchmark '{name}'; './bench.sh list' names them.");
    return 2;
}

var quiet = !now && await QuietMachine.WaitAsync(CancellationToken.None);
var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
var measured = new List<Measurement>();
var clock = Stopwatch.StartNew();
await foreach (var measurement in chosen.MeasureAsync(CancellationToken.None))
{
    measured.Add(measurement);
    Print(measurement);
}

// Several settings give a line each and a last one with the worst.
if (measured.Count > 1 && measured.Where(one => one.Ratio is not null).MinBy(one => one.Ratio) is { } worst)
{
    Print(worst with { Setting = "worst: " + worst.Setting });
}

return measured.Count > 0 ? 0 : 1;

void Print(Measurement one) => Console.WriteLine(JsonSerializer.Serialize(
    new { name, one.Setting, one.Figure, one.Unit, one.Peer, one.PeerFigure, one.Ratio, load = QuietMachine.Load(), quiet, seconds = Math.Round(clock.Elapsed.TotalSeconds) }, json));
