using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class FreshSecretsTests
{
    [Theory, InlineData(AggregationMode.Mask), InlineData(AggregationMode.Committee)]
    public void Coins_and_shares_of_a_dealing_come_from_the_clients_source_of_randomness(AggregationMode mode)
    {
        using var federation = new Federation(5, 5, mode);
        var clients = Enumerable.Range(0, 5).Select(federation.Client).ToArray();
        var coordinator = new AggregationCoordinator(federation.Parameters);
        var snapshots = clients.Select(client =>
        {
            var pending = client.Advertise().Required;
            Assert.Null(coordinator.ReceiveAdvertisement(pending.Release()));
            return pending.Snapshot.ToArray();
        }).ToArray();
        var advertisements = coordinator.CloseAdvertisements().Required;

        // The same memory with other randomness: what an envelope's first part hides is other coins.
        KeySharing Deal(long seed)
        {
            using var client = AggregationClient.Restore(snapshots[1], federation.Parameters, federation.Identities[1], new TestRandom(seed));
            return client.ShareKeys(advertisements).Required.Release();
        }

        var (one, again, other) = (Deal(1), Deal(1), Deal(2));
        for (var i = 0; i < one.Envelopes.Count; i++)
        {
            Assert.Equal(one.Envelopes[i].ToArray(), again.Envelopes[i].ToArray());
            Assert.False(one.Envelopes[i].Span[..1120].SequenceEqual(other.Envelopes[i].Span[..1120]));
            Assert.False(one.Envelopes[i].Span[^128..].SequenceEqual(other.Envelopes[i].Span[^128..]));
        }

        Assert.Equal(4, one.Envelopes.Count);
        Array.ForEach(clients, client => client.Dispose());
    }
}
