using System.Diagnostics.Metrics;
using FederatedDpLlm.Federation.Nodes.Links;

namespace FederatedDpLlm.Router;

/// <summary>What an operator watches of the hospitals' nodes.</summary>
internal static class NodeMetrics
{
    public static void Observe(IMeterFactory meters, NodeDirectory nodes)
    {
        var meter = meters.Create("FederatedDpLlm.Nodes");
        meter.CreateObservableGauge("fedllm.node.available", () => nodes.Links.Select(link => Of(link, link.Snapshot.Healthy ? 1 : 0)), "{node}", "Whether a node may be asked the next question.");
        meter.CreateObservableGauge(
            "fedllm.node.pause", () => nodes.Links.Select(link => Of(link, link.Pause.TotalSeconds)), "s", "How long a node is left alone because it broke at its last questions; 0 where it did not.");
    }

    private static Measurement<double> Of(NodeLink link, double value) => new(value, new KeyValuePair<string, object?>("node", link.Id));
}
