using FederatedDpLlm.Federation.Nodes.Links;

namespace FederatedDpLlm.Routing.Strategies;

/// <summary>Chooses the node for one question. A strategy reads health, load and public accounts only: never anything derived from patients' data.</summary>
public interface INodeSelectionStrategy
{
    /// <summary>The name in a request's <c>privacy.strategy</c> and in the router's configuration.</summary>
    string Name { get; }

    /// <param name="candidates">Healthy nodes that offer the model and were not tried for this question; at least one.</param>
    NodeSnapshot Choose(IReadOnlyList<NodeSnapshot> candidates);
}
