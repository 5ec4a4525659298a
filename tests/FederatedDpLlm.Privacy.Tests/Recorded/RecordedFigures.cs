using System.Globalization;

namespace FederatedDpLlm.Privacy.Tests.Recorded;

/// <summary>
/// Figures that were given once, in recorded.txt: an account that is computed again says the same, whatever was made faster in between. Where a figure changes on purpose, the failure names the lines to
/// put there instead.
/// </summary>
internal sealed class RecordedFigures
{
    private static readonly Dictionary<string, string> Lines = Read();
    private readonly List<string> _changed = [];

    /// <summary>Whether these figures are the recorded ones, each within a relative tolerance.</summary>
    public void Compare(string name, double tolerance, params double[] figures)
    {
        var recorded = Lines.GetValueOrDefault(name, "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        if (recorded.Length != figures.Length || !recorded.Zip(figures).All(pair => Same(pair.First, pair.Second, tolerance)))
        {
            _changed.Add($"{name} = {string.Join(' ', figures.Select(figure => figure.ToString("R", CultureInfo.InvariantCulture)))}");
        }
    }

    /// <summary>Fails where anything changed.</summary>
    public void AssertUnchanged() => Assert.True(_changed.Count == 0, "recorded.txt says otherwise:\n" + string.Join('\n', _changed));

    private static bool Same(double recorded, double figure, double tolerance) =>
        recorded.Equals(figure) || (double.IsFinite(recorded) && double.IsFinite(figure) && Math.Abs(recorded - figure) <= tolerance * Math.Max(Math.Abs(recorded), Math.Abs(figure)));

    private static Dictionary<string, string> Read()
    {
        using var reader = new StreamReader(typeof(RecordedFigures).Assembly.GetManifestResourceStream("recorded.txt")!);
        return reader.ReadToEnd().Split('\n').Where(line => line.Contains(" = ", StringComparison.Ordinal)).Select(line => line.Split(" = ")).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
    }
}
