using System.Globalization;
using System.Text;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>A plot of letters, both axes logarithmic: each curve by its first letter, the later ones on top.</summary>
internal static class TerminalPlot
{
    private const int Width = 72;
    private const int Height = 18;

    public static string Of(IReadOnlyList<Curve> curves)
    {
        var scale = PlotScale.Of(curves);
        var cells = new char[Height, Width];
        foreach (var curve in curves)
        {
            foreach (var (x, y) in curve.Points)
            {
                if (y is > 0)
                {
                    cells[Height - 1 - (int)(scale.Y(y.Value) * (Height - 1)), (int)(scale.X(x) * (Width - 1))] = char.ToUpperInvariant(curve.Name[0]);
                }
            }
        }

        var text = new StringBuilder();
        for (var row = 0; row < Height; row++)
        {
            var label = row == 0 ? scale.HighestY : row == Height - 1 ? scale.LowestY : double.NaN;
            text.Append(double.IsNaN(label) ? new string(' ', 9) : label.ToString("G3", CultureInfo.InvariantCulture).PadLeft(9)).Append(" |");
            for (var column = 0; column < Width; column++)
            {
                text.Append(cells[row, column] == 0 ? ' ' : cells[row, column]);
            }

            text.AppendLine();
        }

        return text.Append(' ', 10).Append('+').Append('-', Width).AppendLine()
            .Append(CultureInfo.InvariantCulture, $"{new string(' ', 11)}{scale.LowestX:G3} to {scale.HighestX:G6} releases; ")
            .AppendJoin(", ", curves.Select(curve => $"{char.ToUpperInvariant(curve.Name[0])} {curve.Name}")).ToString();
    }
}
