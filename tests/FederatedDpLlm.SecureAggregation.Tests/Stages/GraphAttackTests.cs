using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>A coordinator that would choose a client's neighbours.</summary>
public sealed class GraphAttackTests
{
    private const int Clients = 1000;
    private const int FirstCorrupt = 900;
    private static readonly SharingParameters Sharing = SharingParameters.FindHarary(Clients, 0.1, 0.1)!;

    [Fact]
    public void A_naive_client_whose_neighbours_the_coordinator_picks_is_surrounded_and_its_update_read()
    {
        // A tenth of the clients is the coordinator's own, which the parameters are made for; the graph is what it says (shuffled by the server, as in Flower).
        var random = new TestRandom(21);
        int[] surrounding = [.. Enumerable.Range(FirstCorrupt, Sharing.Neighbours)];
        var corrupt = surrounding.ToDictionary(number => number, number => BareUpload.Neighbour(number, random));
        int[] update = [.. Enumerable.Range(0, 40).Select(i => (i * 811 % 65536) - 32768)];
        var upload = new BareUpload(update, [.. corrupt.Select(one => (one.Key, one.Value.PublicKey))], random);
        var (shares, _) = VerifiableSecretSharing.Deal(upload.SelfMask, Sharing.Threshold, SharingBody.PointsOf(surrounding), random);
        var selfMask = VerifiableSecretSharing.Reconstruct(shares.AsSpan()[..Sharing.Threshold]).Value;
        Assert.Equal(update, upload.Open(corrupt.Select(one => upload.EdgeOf(one.Key, one.Value)), selfMask));
        Assert.Equal(40, upload.Open(corrupt.Skip(1).Select(one => upload.EdgeOf(one.Key, one.Value)), selfMask).Zip(update).Count(pair => pair.First != pair.Second));
        Array.ForEach([.. corrupt.Values], one => one.Dispose());
    }

    [Fact]
    public void A_graph_that_follows_from_all_advertisements_gives_nobody_corrupt_neighbours_enough_however_often_they_advertise_anew()
    {
        // Each try fails with probability below 2^-40 (FindHarary): corrupt neighbours must stay below 2t - k, or they could help to open both secrets of a client.
        int[] members = [.. Enumerable.Range(0, Clients)];
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var graph = SharingGraph.Build(Clients, members, Sharing, SHA256.HashData([(byte)attempt]));
            Assert.True(members[..FirstCorrupt].Max(client => graph.HoldersOf(client).ToArray().Count(holder => holder >= FirstCorrupt)) < (2 * Sharing.Threshold) - Sharing.Neighbours);
        }
    }

    [Fact]
    public void A_client_takes_no_shares_of_a_dealer_that_the_graph_does_not_make_its_neighbour()
    {
        using var federation = new Federation(70, 8);
        var clients = Enumerable.Range(0, 70).Select(federation.Client).ToArray();
        ReadOnlyMemory<byte>[] advertisements = [.. clients.Select(client => client.Advertise().Required.Release())];
        var memory = ClientMemory.TryDecode(clients[0].ShareKeys(advertisements).Required.Snapshot.Span)!;
        var graph = SharingGraph.Build(70, memory.Members, federation.Parameters.Sharing, memory.Advertisements);
        var stranger = Enumerable.Range(1, 69).First(other => !graph.AreNeighbours(0, other));
        var sharing = clients[stranger].ShareKeys(advertisements).Required.Release();
        Assert.Equal(new Refusal(RefusalCode.UnknownSender), clients[0].Upload([new RelayedSharing(sharing.Frame, sharing.Envelopes[0])], federation.Inputs[0]).Refusal);

        // One advertisement more or less, and the neighbours are others.
        var without = SharingGraph.Build(70, memory.Members, federation.Parameters.Sharing, SHA256.HashData(memory.Advertisements));
        Assert.NotEqual(graph.HoldersOf(0).ToArray(), without.HoldersOf(0).ToArray());
        Array.ForEach(clients, client => client.Dispose());
    }
}
