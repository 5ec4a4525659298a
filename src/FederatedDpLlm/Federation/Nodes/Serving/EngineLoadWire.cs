using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>An engine's load on the wire. Requests of a router's questions and of whoever else uses the engine: of patients it says nothing.</summary>
internal static class EngineLoadWire
{
    /// <returns>Null where the engine does not say how busy it is.</returns>
    public static EngineLoad? ToWire(EngineStatus status)
    {
        if (status.Running is not { } running)
        {
            return null;
        }

        var load = new EngineLoad { Running = running };
        if (status.Waiting is { } waiting)
        {
            load.Waiting = waiting;
        }

        if (status.Slots is { } slots)
        {
            load.Slots = slots;
        }

        return load;
    }
}
