using Microsoft.Extensions.Hosting;

namespace FederatedDpLlm.Hosting;

/// <summary>
/// Stops the program when its standard input closes, where <c>FEDLLM_STOP_WITH_INPUT=1</c> says that a parent process holds the other end: whatever kills the
/// parent, no child is left behind.
/// </summary>
public sealed class StopWithInput(IHostApplicationLifetime lifetime) : BackgroundService
{
    public static bool IsAsked => Environment.GetEnvironmentVariable("FEDLLM_STOP_WITH_INPUT") == "1";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var input = Console.OpenStandardInput();
        var nothing = new byte[256];
        try
        {
            while (await input.ReadAsync(nothing, stoppingToken) > 0)
            {
                // Whatever is written is ignored; only the end counts.
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        // A stop in the middle of the start would look like a failure to start.
        lifetime.ApplicationStarted.Register(lifetime.StopApplication);
    }
}
