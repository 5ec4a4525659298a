using FederatedDpLlm.Federation.Nodes.Links;

namespace FederatedDpLlm.Routing.Strategies;

/// <summary>Each node in turn, by name; for tests and for equal nodes.</summary>
public sealed class RoundRobinStrategy : INodeSelectionStrategy
{
    private uint _turn = uint.MaxValue;

    public string Name => "round-robin";

    public NodeSnapshot Choose(IReadOnlyList<NodeSnapshot> candidates) => candidates[(int)(Interlocked.Increment(ref _turn) % (uint)candidates.Count)];
}
