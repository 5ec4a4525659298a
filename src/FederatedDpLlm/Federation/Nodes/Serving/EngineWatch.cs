using FederatedDpLlm.Inference.Engines;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>Whether the engine behind this node answers. However many ask, the engine is asked once in a while; a change is logged.</summary>
public sealed partial class EngineWatch(IInferenceEngine engine, TimeProvider clock, ILogger<EngineWatch> logger)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private bool _ready = true;
    private long? _asked;

    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_asked is not { } asked || clock.GetElapsedTime(asked) >= Fresh)
            {
                var status = await engine.StatusAsync(cancellationToken);
                if (status.Ready != _ready)
                {
                    LogChange(status.Model, status.Ready ? "ready" : status.Trouble ?? "not ready");
                }

                (_ready, _asked) = (status.Ready, clock.GetTimestamp());
            }

            return _ready;
        }
        finally
        {
            _turn.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The engine of {Model}: {State}")]
    private partial void LogChange(string model, string state);
}
