namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>
/// Who holds shares of whose secrets: the complete graph, or a Harary ring (everybody beside k/2 to the left and k/2 to the right) over a permutation that
/// follows from the digest of everything the clients advertised. The coordinator alone cannot choose a client's neighbours.
/// Reference: Bell et al., CCS 2020, section 3.
/// </summary>
internal sealed class SharingGraph
{
    private readonly int[][] _holders;

    private SharingGraph(int[][] holders) => _holders = holders;

    /// <summary>The clients that hold shares of a client's secrets, ascending (the client itself among them on the complete graph).</summary>
    public ReadOnlySpan<int> HoldersOf(int client) => _holders[client];

    /// <summary>Whether two different clients mask each other.</summary>
    public bool AreNeighbours(int client, int other) => client != other && Array.BinarySearch(_holders[client], other) >= 0;

    /// <param name="clients">The size of the roster; clients are numbered from 0.</param>
    /// <param name="members">The ones that advertised, ascending; the others have no neighbours.</param>
    /// <param name="parameters">The degree.</param>
    /// <param name="seed">The digest of all advertisements.</param>
    public static SharingGraph Build(int clients, ReadOnlySpan<int> members, SharingParameters parameters, ReadOnlySpan<byte> seed)
    {
        var holders = new int[clients][];
        Array.Fill(holders, []);
        if (parameters.IsComplete)
        {
            foreach (var member in members)
            {
                holders[member] = members.ToArray();
            }

            return new SharingGraph(holders);
        }

        var ring = PublicPermutation.Of(members, seed);
        var reach = Math.Min(parameters.Neighbours / 2, (ring.Length - 1) / 2);
        for (var place = 0; place < ring.Length; place++)
        {
            var own = new List<int>(2 * reach);
            for (var distance = 1; distance <= reach; distance++)
            {
                own.Add(ring[(place + distance) % ring.Length]);
                own.Add(ring[(place - distance + ring.Length) % ring.Length]);
            }

            holders[ring[place]] = [.. own.Distinct().Order()];
        }

        return new SharingGraph(holders);
    }
}
