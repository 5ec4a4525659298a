using System.Diagnostics;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A real process that keeps a ledger busy, and what it acknowledged before it was killed.</summary>
internal sealed class LedgerLoad : IDisposable
{
    private readonly Process _process;

    private LedgerLoad(Process process) => _process = process;

    public static LedgerLoad Start(string ledgerPath, string prefix, int callers)
    {
        // Built beside the tests, in the same configuration.
        var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var program = Path.Combine(AppContext.BaseDirectory, "..", "..", "FederatedDpLlm.LedgerLoad", configuration, "FederatedDpLlm.LedgerLoad.dll");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (var argument in (string[])[program, ledgerPath, prefix, $"{callers}"])
        {
            start.ArgumentList.Add(argument);
        }

        return new LedgerLoad(Process.Start(start) ?? throw new InvalidOperationException("The load did not start."));
    }

    /// <summary>Kills the process (SIGKILL) <paramref name="delay"/> after its first acknowledgement and returns every line that it wrote.</summary>
    public async Task<IReadOnlyList<string>> KillAfterAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        var output = _process.StandardOutput;
        lines.Add(await output.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("The load ended before its first acknowledgement."));
        var killing = Task.Run(
            async () =>
            {
                await Task.Delay(delay, TimeProvider.System, cancellationToken);
                _process.Kill();
            },
            cancellationToken);

        var rest = await output.ReadToEndAsync(cancellationToken);
        await killing;
        await _process.WaitForExitAsync(cancellationToken);
        var whole = rest[..(rest.LastIndexOf('\n') + 1)];
        lines.AddRange(whole.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        return lines;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
