using System.CommandLine;
using System.Globalization;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary><c>fedllm account compare</c>: epsilon against the number of releases, by every accountant, as a table, a plot in the terminal, and an SVG file.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var options = new ReleaseOptions();
        var svg = new Option<FileInfo?>("--svg") { Description = "Writes the plot to this file" };
        var command = new Command("compare", "Basic, advanced, RDP, zCDP and PLD side by side, up to --count releases.") { svg };
        options.AddTo(command, withNoise: true);
        command.SetAction(parsed => Show(options, parsed, parsed.GetValue(svg)));
        return command;
    }

    private static void Show(ReleaseOptions options, ParseResult parsed, FileInfo? svg)
    {
        var one = options.Once(parsed, parsed.GetValue(options.Noise));
        var delta = options.DeltaOf(parsed);
        var counts = Counts(Math.Max(1, parsed.GetValue(options.Count)));
        var curves = Accountants.All
            .Select(accountant => new Curve(accountant.Name, [.. counts.Select(count => ((double)count, accountant.Epsilon(one, count, delta)))]))
            .ToList();
        if (svg is not null)
        {
            File.WriteAllText(svg.FullName, SvgPlot.Of(curves, "releases", "epsilon"));
        }

        if (parsed.GetValue(options.Json))
        {
            JsonLine.Write(new
            {
                delta = delta.Value,
                counts,
                accountants = curves.ToDictionary(curve => curve.Name, curve => curve.Points.Select(point => point.Y)),
            });
            return;
        }

        Console.WriteLine("releases  " + string.Concat(curves.Select(curve => curve.Name.PadLeft(12))));
        foreach (var (index, count) in counts.Index())
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,8}  ")
                + string.Concat(curves.Select(curve => (curve.Points[index].Y?.ToString("G6", CultureInfo.InvariantCulture) ?? "-").PadLeft(12))));
        }

        Console.WriteLine();
        Console.WriteLine(TerminalPlot.Of(curves));
    }

    // 1, and then about eight a decade up to the count.
    private static List<long> Counts(long most)
    {
        var counts = new SortedSet<long> { 1, most };
        for (var x = 1.0; x < most; x *= Math.Pow(10, 0.125))
        {
            counts.Add((long)Math.Round(x));
        }

        return [.. counts.Where(count => count <= most)];
    }
}
