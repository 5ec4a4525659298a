using System.Diagnostics;
using System.Globalization;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>The limit that OpenSSL sets on this machine: <c>openssl speed</c>, in processor time, one thread.</summary>
internal static class OpenSslSpeed
{
    /// <summary>Bytes per second of a cipher or hash on buffers of a size; null where there is no openssl.</summary>
    public static async Task<double?> MeasureAsync(string algorithm, int bufferBytes, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("openssl") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "speed", "-seconds", "1", "-bytes", bufferBytes.ToString(CultureInfo.InvariantCulture), "-evp", algorithm })
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await errors;
            await process.WaitForExitAsync(cancellationToken);

            // The last line: "AES-128-CTR    6445940.74k", in thousands of bytes.
            var figure = output.Trim().Split('\n')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('k');
            return double.TryParse(figure, CultureInfo.InvariantCulture, out var thousands) ? thousands * 1000 : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
