using System.Globalization;
using System.Text;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>The same plot as a self-contained SVG file.</summary>
internal static class SvgPlot
{
    private const int Width = 720;
    private const int Height = 440;
    private const int Margin = 60;

    // Distinguishable without colour vision (Okabe, Ito).
    private static readonly string[] Colours = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00"];

    public static string Of(IReadOnlyList<Curve> curves, string horizontal, string vertical)
    {
        var scale = PlotScale.Of(curves);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"13\">\n")
            .Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>\n")
            .Append(CultureInfo.InvariantCulture, $"<path d=\"M{Margin} {Margin / 2}V{Height - Margin}H{Width - Margin}\" fill=\"none\" stroke=\"#444\"/>\n")
            .Append(CultureInfo.InvariantCulture, $"<text x=\"{Width / 2}\" y=\"{Height - 18}\" text-anchor=\"middle\">{horizontal} (logarithmic, {scale.LowestX:G4} to {scale.HighestX:G6})</text>\n")
            .Append(CultureInfo.InvariantCulture, $"<text transform=\"translate(18 {Height / 2}) rotate(-90)\" text-anchor=\"middle\">{vertical} (logarithmic, {scale.LowestY:G3} to {scale.HighestY:G4})</text>\n");
        foreach (var x in Ticks(scale.LowestX, scale.HighestX))
        {
            var at = Margin + (scale.X(x) * (Width - (2 * Margin)));
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{at:F1} {Margin / 2}V{Height - Margin}\" stroke=\"#ddd\"/><text x=\"{at:F1}\" y=\"{Height - Margin + 18}\" text-anchor=\"middle\" fill=\"#444\">{x:G6}</text>\n");
        }

        foreach (var y in Ticks(scale.LowestY, scale.HighestY))
        {
            var at = Height - Margin - (scale.Y(y) * (Height - (1.5 * Margin)));
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Margin} {at:F1}H{Width - Margin}\" stroke=\"#ddd\"/><text x=\"{Margin - 6}\" y=\"{at + 4:F1}\" text-anchor=\"end\" fill=\"#444\">{y:G4}</text>\n");
        }

        foreach (var (index, curve) in curves.Index())
        {
            var colour = Colours[index % Colours.Length];
            var points = curve.Points.Where(point => point.Y is > 0).Select(point => string.Create(
                CultureInfo.InvariantCulture,
                $"{Margin + (scale.X(point.X) * (Width - (2 * Margin))):F1},{Height - Margin - (scale.Y(point.Y!.Value) * (Height - (1.5 * Margin))):F1}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{string.Join(' ', points)}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n")
                .Append(CultureInfo.InvariantCulture, $"<text x=\"{Margin + 12}\" y=\"{(Margin / 2) + 14 + (18 * index)}\" fill=\"{colour}\">{curve.Name}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    // 1, 2 and 5 of each decade; only whole decades where there are many.
    private static IEnumerable<double> Ticks(double low, double high)
    {
        int[] digits = Math.Log10(high / low) > 3 ? [1] : [1, 2, 5];
        return Enumerable.Range((int)Math.Floor(Math.Log10(low)), (int)Math.Ceiling(Math.Log10(high / low)) + 2)
            .SelectMany(power => digits.Select(digit => digit * Math.Pow(10, power)))
            .Where(tick => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
    }
}
