using FederatedDpLlm.Inference.Engines;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>Whether the engine behind this node answers, and how busy it is. However many ask, the engine is asked once in a while; a change is logged.</summary>
public sealed partial class EngineWatch(IInferenceEngine engine, TimeProvider clock, ILogger<EngineWatch> logger)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private EngineStatus? _status;
    private long _asked;

    /// <returns>What the engine said of itself within the last two seconds.</returns>
    public async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_status is null || clock.GetElapsedTime(_asked) >= Fresh)
            {
                var status = await engine.StatusAsync(cancellationToken);
                if (status.Ready != (_status?.Ready ?? true))
                {
                    LogChange(status.Model, status.Ready ? "ready" : status.Trouble ?? "not ready");
                }

                (_status, _asked) = (status, clock.GetTimestamp());
            }

            return _status;
        }
        finally
        {
            _turn.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The engine of {Model}: {State}")]
    private partial void LogChange(string model, string state);
}
