using System.Globalization;
using System.Text;

namespace FederatedDpLlm.Models.Training;

/// <summary>The loss of every twentieth step, as a table and as a picture beside the model.</summary>
internal sealed class LossCurve
{
    public const string TableName = "loss.csv";
    public const string PictureName = "loss.svg";
    private const int StepsBetweenPoints = 20;
    private const int Width = 640;
    private const int Height = 240;
    private const int Margin = 40;
    private readonly string _folder;
    private readonly List<(int Step, double Loss)> _points = [];

    /// <summary>Goes on from the table in the folder, as far as <paramref name="step"/>.</summary>
    public LossCurve(string folder, int step)
    {
        _folder = folder;
        var table = Path.Combine(folder, TableName);
        if (step > 0 && File.Exists(table))
        {
            var points = File.ReadLines(table).Skip(1).Select(line => line.Split(','))
                .Select(cells => (int.Parse(cells[0], CultureInfo.InvariantCulture), double.Parse(cells[1], CultureInfo.InvariantCulture)));
            _points.AddRange(points.TakeWhile(point => point.Item1 <= step));
        }
    }

    public void Add(TrainingProgress progress)
    {
        if (progress.Step % StepsBetweenPoints == 0)
        {
            _points.Add((progress.Step, Math.Round(progress.Loss, 4)));
        }
    }

    public void Write()
    {
        var table = new StringBuilder("step,loss\n");
        _points.ForEach(point => table.Append(CultureInfo.InvariantCulture, $"{point.Step},{point.Loss}\n"));
        File.WriteAllText(Path.Combine(_folder, TableName), table.ToString());
        if (_points.Count > 1)
        {
            File.WriteAllText(Path.Combine(_folder, PictureName), Picture());
        }
    }

    private string Picture()
    {
        var (steps, most) = (_points[^1].Step, Math.Ceiling(_points.Max(point => point.Loss)));
        string Across(double step) => (Margin + step / steps * (Width - 2 * Margin)).ToString("F1", CultureInfo.InvariantCulture);
        string Down(double loss) => (Height - Margin - loss / most * (Height - 2 * Margin)).ToString("F1", CultureInfo.InvariantCulture);
        var line = string.Join(' ', _points.Select(point => $"{Across(point.Step)},{Down(point.Loss)}"));
        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="11">
              <rect width="{Width}" height="{Height}" fill="white"/>
              <path d="M{Margin},{Margin} V{Height - Margin} H{Width - Margin}" fill="none" stroke="black"/>
              <text x="{Margin - 6}" y="{Margin + 4}" text-anchor="end">{most}</text>
              <text x="{Margin - 6}" y="{Height - Margin + 4}" text-anchor="end">0</text>
              <text x="{Width - Margin}" y="{Height - Margin + 16}" text-anchor="end">{steps} steps</text>
              <text x="{Margin}" y="{Margin - 12}">weighted loss of the step, nats per token</text>
              <polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="1"/>
            </svg>

            """);
    }
}
