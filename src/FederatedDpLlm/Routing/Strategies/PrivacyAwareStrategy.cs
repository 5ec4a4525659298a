using FederatedDpLlm.Federation.Nodes.Links;

namespace FederatedDpLlm.Routing.Strategies;

/// <summary>The node with most of its data budget left; among equals the one with the least load.</summary>
public sealed class PrivacyAwareStrategy : INodeSelectionStrategy
{
    public string Name => "privacy-aware";

    public NodeSnapshot Choose(IReadOnlyList<NodeSnapshot> candidates) =>
        candidates.OrderByDescending(node => node.DataBudgetLeft).ThenBy(LoadBalancedStrategy.ExpectedWait).ThenBy(node => node.Id, StringComparer.Ordinal).First();
}
