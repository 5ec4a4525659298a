namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>Two logarithmic axes that hold all points, each mapped to 0..1.</summary>
internal sealed record PlotScale(double LowestX, double HighestX, double LowestY, double HighestY)
{
    public static PlotScale Of(IReadOnlyList<Curve> curves)
    {
        var points = curves.SelectMany(curve => curve.Points).Where(point => point.Y is > 0).ToList();
        return points.Count == 0
            ? new(1, 10, 0.1, 10)
            : new(points.Min(point => point.X), points.Max(point => point.X), points.Min(point => point.Y!.Value), points.Max(point => point.Y!.Value));
    }

    public double X(double x) => Place(x, LowestX, HighestX);

    public double Y(double y) => Place(y, LowestY, HighestY);

    private static double Place(double value, double low, double high) => high <= low ? 0.5 : Math.Clamp(Math.Log(value / low) / Math.Log(high / low), 0, 1);
}
