using System.Diagnostics.Metrics;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Protocol;

namespace FederatedDpLlm.Router;

/// <summary>What an operator watches of the hospitals' nodes.</summary>
internal static class NodeMetrics
{
    public static void Observe(IMeterFactory meters, NodeDirectory nodes)
    {
        var meter = meters.Create("FederatedDpLlm.Nodes");
        meter.CreateObservableGauge("fedllm.node.available", () => nodes.Snapshots.Select(node => Of(node, node.MayAnswer ? 1 : 0)), "{node}", "Whether a node may be asked the next question.");
        meter.CreateObservableGauge(
            "fedllm.node.pause", () => nodes.Snapshots.SelectMany(Pauses), "s", "How long a node is left alone because it broke at its last questions of a kind; 0 where it did not.");
        meter.CreateObservableGauge("fedllm.node.engine.running", () => Loads(nodes, _ => true, load => load.Running), "{request}", "Requests that the engine behind a node works on, whoever sent them; none where it does not say.");
        meter.CreateObservableGauge("fedllm.node.engine.waiting", () => Loads(nodes, load => load.HasWaiting, load => load.Waiting), "{request}", "Requests that wait at the engine behind a node; none where it does not say.");
    }

    // Without a question yet the node is not paused at any kind.
    private static IEnumerable<Measurement<double>> Pauses(NodeSnapshot node) => node.Kinds.Count == 0
        ? [Of(node, 0)]
        : node.Kinds.Select(kind => new Measurement<double>(kind.Pause.TotalSeconds, new("node", node.Id), new("questions", kind.Kind.Name)));

    private static IEnumerable<Measurement<double>> Loads(NodeDirectory nodes, Predicate<EngineLoad> says, Func<EngineLoad, double> read) =>
        nodes.Snapshots.Where(node => node is { Healthy: true, Status.Engine: { } load } && says(load)).Select(node => Of(node, read(node.Status!.Engine)));

    private static Measurement<double> Of(NodeSnapshot node, double value) => new(value, new KeyValuePair<string, object?>("node", node.Id));
}
