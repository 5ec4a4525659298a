using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Routing.Strategies;

/// <summary>
/// Power of two choices over expected wait: of two nodes drawn at random the one with the smaller (in flight + rounds of its engine's queue + 1) x mean latency.
/// This avoids scanning the whole list and the herd that a global minimum attracts (Mitzenmacher, 2001).
/// </summary>
public sealed class LoadBalancedStrategy(ISecureRandom random) : INodeSelectionStrategy
{
    public string Name => "load-balanced";

    public NodeSnapshot Choose(IReadOnlyList<NodeSnapshot> candidates)
    {
        if (candidates.Count == 1)
        {
            return candidates[0];
        }

        Span<byte> draw = stackalloc byte[8];
        random.Fill(draw);
        // A bias of 2^-32 in a load decision is harmless.
        var first = (int)(BitConverter.ToUInt32(draw) % (uint)candidates.Count);
        var second = (int)(BitConverter.ToUInt32(draw[4..]) % (uint)(candidates.Count - 1));
        second += second >= first ? 1 : 0;
        return ExpectedWait(candidates[second]) < ExpectedWait(candidates[first]) ? candidates[second] : candidates[first];
    }

    internal static double ExpectedWait(NodeSnapshot node) => (node.InFlight + node.EngineRounds + 1) * Math.Max(node.LatencyMilliseconds, 1);
}
