using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class RoundParametersRangeTests
{
    private static readonly byte[] Hash = SHA256.HashData([1]);

    [Fact]
    public void What_no_round_can_be_made_of_is_refused_and_its_neighbour_is_not()
    {
        Func<RoundParameters>[] refused =
        [
            () => Of(task: ""), () => Of(task: new string('x', 129)), () => Of(round: -1), () => Of(length: 0), () => Of(length: 1_000_000_001), () => Of(bits: 1), () => Of(bits: 22),
            () => Of(clients: 3), () => Of(clients: 1025), () => Of(mode: (AggregationMode)7), () => Of(mode: AggregationMode.Homomorphic), () => Of(mode: AggregationMode.Committee),
            () => Of(minimum: 3), () => Of(minimum: 6), () => Of(model: new byte[31]), () => Of(plan: new byte[33]),
        ];
        Assert.All(refused, one => Assert.ThrowsAny<ArgumentException>(one));
        Func<RoundParameters>[] taken =
        [
            () => Of(task: "x"), () => Of(task: new string('x', 128)), () => Of(round: 0), () => Of(length: 1), () => Of(length: 1_000_000_000), () => Of(bits: 2), () => Of(bits: 21), () => Of(clients: 4),
            () => Of(clients: 1024), () => Of(minimum: 4), () => Of(minimum: 5), () => Of(mode: AggregationMode.Homomorphic, accept: true), () => Of(mode: AggregationMode.Committee, accept: true),
        ];
        Assert.All(taken, one =>
        {
            var parameters = one();
            var read = RoundParameters.TryDecode(parameters.Encode(), acceptUnreviewedCryptography: true)!;
            Assert.Equal(parameters.Digest.ToArray(), read.Digest.ToArray());
            Assert.Equal(SHA256.HashData(parameters.Encode()), read.Digest.ToArray());
        });
    }

    [Fact]
    public void A_key_that_stands_on_the_roster_twice_is_refused()
    {
        ReadOnlyMemory<byte>[] roster = [.. Roster(5), .. Roster(1)];
        Assert.Throws<ArgumentException>(() => new RoundParameters("t", 1, AggregationMode.Mask, 1, 16, roster, Hash, Hash));
        roster[5] = new byte[31];
        Assert.Throws<ArgumentException>(() => new RoundParameters("t", 1, AggregationMode.Mask, 1, 16, roster, Hash, Hash));
    }

    [Theory, InlineData(4, 4, 2), InlineData(5, 4, 3), InlineData(6, 5, 3), InlineData(7, 5, 3), InlineData(8, 6, 3), InlineData(9, 7, 4), InlineData(16, 11, 4), InlineData(17, 12, 5), InlineData(1024, 683, 10)]
    public void Two_thirds_must_survive_and_a_sum_has_the_bits_that_hold_it(int clients, int minimum, int bits)
    {
        var parameters = Of(clients: clients);
        Assert.Equal((minimum, 16 + bits, clients, clients), (parameters.MinimumSurvivors, parameters.SumBits, parameters.Clients, parameters.Dealers));
        Assert.True(parameters.IsDealer(clients - 1));
    }

    [Theory, InlineData(0, 0), InlineData(1, 0), InlineData(2, 1), InlineData(3, 2), InlineData(4, 2), InlineData(1024, 10), InlineData(1025, 11)]
    public void Clients_take_as_many_bits_as_number_them(int clients, int bits) => Assert.Equal(bits, RoundParameters.BitsFor(clients));

    [Fact]
    public void A_committee_is_the_first_twelve_of_the_roster()
    {
        var parameters = Of(clients: 20, mode: AggregationMode.Committee, accept: true);
        Assert.Equal(12, parameters.Dealers);
        Assert.True(parameters.IsDealer(11));
        Assert.False(parameters.IsDealer(12));
        Assert.Equal(parameters.Sharing.Threshold, parameters.FewestDealers);
        Assert.Equal(14, Of(clients: 20).FewestDealers);
    }

    [Fact]
    public void An_encoding_with_a_byte_more_or_less_or_of_another_version_is_none()
    {
        var encoded = Of().Encode();
        Assert.NotNull(RoundParameters.TryDecode(encoded));
        Assert.Null(RoundParameters.TryDecode([.. encoded, 0]));
        Assert.Null(RoundParameters.TryDecode(encoded.AsSpan(0, encoded.Length - 1)));
        Assert.Null(RoundParameters.TryDecode([2, .. encoded[1..]]));
        Assert.Null(RoundParameters.TryDecode(Of(mode: AggregationMode.Homomorphic, accept: true).Encode()));
    }

    private static RoundParameters Of(
        string task = "t", long round = 1, AggregationMode mode = AggregationMode.Mask, int length = 10, int bits = 16, int clients = 5, byte[]? model = null, byte[]? plan = null, int? minimum = null, bool accept = false) =>
        new(task, round, mode, length, bits, Roster(clients), model ?? Hash, plan ?? Hash, minimum, acceptUnreviewedCryptography: accept);

    private static ReadOnlyMemory<byte>[] Roster(int clients) => [.. Enumerable.Range(0, clients).Select(i => (ReadOnlyMemory<byte>)SHA256.HashData(BitConverter.GetBytes(i)))];
}
