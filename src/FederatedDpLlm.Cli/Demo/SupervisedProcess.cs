using System.Diagnostics;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>
/// One program of the demo as a process of its own. Its standard input is a pipe from us, and it stops when that closes: however the demo ends, nothing stays
/// behind. One that dies is started again, as an operator's supervisor would.
/// </summary>
internal sealed class SupervisedProcess(string name, string program, string configurationPath, Action<string> report, params IReadOnlyList<string> arguments) : IAsyncDisposable
{
    private static readonly TimeSpan RestartAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(10);
    private readonly CancellationTokenSource _stopping = new();
    private Process? _process;
    private Task? _watch;

    public string Name => name;

    public int ProcessId => _process?.Id ?? 0;

    /// <summary>Ends with the exit code where the program ends by itself with one that a restart cannot mend (its configuration, a busy port).</summary>
    public Task<int> Hopeless => _hopeless.Task;

    private readonly TaskCompletionSource<int> _hopeless = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Start()
    {
        _process = Launch();
        _watch = WatchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        if (_process is { HasExited: false } process)
        {
            process.StandardInput.Close();
            using var patience = new CancellationTokenSource(StopWithin);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }

        if (_watch is not null)
        {
            await _watch;
        }

        _stopping.Dispose();
    }

    private Process Launch()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(program);
        arguments.ToList().ForEach(start.ArgumentList.Add);
        start.Environment["CONFIG_FILE"] = configurationPath;
        start.Environment["FEDLLM_STOP_WITH_INPUT"] = "1";
        var process = Process.Start(start) ?? throw new DemoException($"{name} could not be started.");
        process.OutputDataReceived += (_, line) => Forward(line.Data);
        process.ErrorDataReceived += (_, line) => Forward(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Forward(string? line)
    {
        if (!string.IsNullOrWhiteSpace(line))
        {
            report($"[{name}] {line}");
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await _process!.WaitForExitAsync(_stopping.Token);
                var code = _process.ExitCode;
                if (code is 2 or 3)
                {
                    _hopeless.TrySetResult(code);
                    return;
                }

                report($"[{name}] ended with code {code}; it is started again in {RestartAfter.TotalSeconds:0} s.");
                await Task.Delay(RestartAfter, _stopping.Token);
                _process.Dispose();
                _process = Launch();
            }
        }
        catch (OperationCanceledException)
        {
            // The demo is stopping.
        }
    }
}
