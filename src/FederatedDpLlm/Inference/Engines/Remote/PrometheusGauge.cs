using System.Globalization;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>One gauge in Prometheus's text format (exposition format 0.0.4): <c>name{label="value"} 1.0</c>, a line for each set of labels.</summary>
internal static class PrometheusGauge
{
    /// <summary>The sum over all sets of labels, rounded; null where no line holds a number for it.</summary>
    public static int? Sum(string metrics, string name)
    {
        var values = metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is '{' or ' ')
            .Select(line => line.TrimEnd('\r').Split(' ')).Select(parts => double.TryParse(parts[^1], CultureInfo.InvariantCulture, out var value) && value is >= 0 and < int.MaxValue ? value : (double?)null)
            .OfType<double>().ToList();
        return values.Count == 0 ? null : (int)Math.Min(int.MaxValue, Math.Round(values.Sum()));
    }
}
