using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// A client that colludes with the coordinator and adds another client's upload to its own, unread, so that the sum counts that client twice (the gap that
/// WillowFold, ePrint 2026/264, closes with simulation-extractable proofs).
/// </summary>
public sealed class CorrelatedUploadTests
{
    private const int Length = 40;
    private const int Target = 2;
    private const int Colluder = 5;

    [Fact]
    public void In_the_committee_mode_it_succeeds_which_is_part_of_what_everybody_has_to_accept_before_using_the_mode()
    {
        using var federation = new Federation(6, Length, AggregationMode.Committee);
        var outcome = SumWithCopy(federation).Required;

        // The copy brings the half range with it that a value travels with.
        var bent = federation.SumOf(Enumerable.Range(0, 6)).Zip(federation.Inputs[Target], (sum, twice) => sum + twice + (1 << 15));
        Assert.Equal(bent, outcome.Values.ToArray());
        Assert.Null(RoundParameters.TryDecode(federation.Parameters.Encode()));
        Assert.NotNull(RoundParameters.TryDecode(federation.Parameters.Encode(), acceptUnreviewedCryptography: true));
    }

    [Fact]
    public void In_the_homomorphic_mode_the_copied_key_carries_masks_that_nobody_takes_off_and_there_is_no_sum()
    {
        using var federation = new Federation(6, Length, AggregationMode.Homomorphic);
        Assert.Equal(new Refusal(RefusalCode.Undecryptable), SumWithCopy(federation).Refusal);
    }

    [Fact]
    public void In_the_mask_mode_the_copied_masks_stay_on_every_value_of_the_sum()
    {
        using var federation = new Federation(6, Length);
        var values = SumWithCopy(federation).Required.Values.ToArray();
        var sum = federation.SumOf(Enumerable.Range(0, 6));
        Assert.True(values.Zip(sum).Count(pair => pair.First == pair.Second) <= 2);
        Assert.True(values.Zip(sum.Zip(federation.Inputs[Target], (all, twice) => all + twice)).Count(pair => pair.First == pair.Second) <= 2);
    }

    private static Outcome<AggregateSum> SumWithCopy(Federation federation)
    {
        using var round = new ManualRound(federation);
        round.ToSharings();
        Array.ForEach(round.Clients, client => round.Upload(client.Self));
        var payload = Added(federation.Parameters, round.Uploads[Colluder].Payload, round.Uploads[Target].Payload);
        var keyHash = federation.Parameters.Mode == AggregationMode.Committee
            ? CommitteeKey.Bind(ClientMemory.TryDecode(round.Uploaded[Colluder])!.CommitteeKeyDigest, CommitteeUpdateSum.SecondPart(payload))
            : null;
        var header = SignedFrame.Seal(MessageKind.Upload, federation.Parameters, Colluder, federation.Identities[Colluder], UploadBody.Of(payload, keyHash: keyHash).Encode());
        round.Uploads[Colluder] = new MaskedUpload(header, payload);
        Assert.All(round.Uploads.Values, upload => Assert.Null(round.Coordinator.ReceiveUpload(upload)));

        // The others confirm and unmask; the colluder has nothing to add.
        var announced = round.Coordinator.CloseUploads().Required;
        var honest = round.Clients[..Colluder];
        Assert.All(honest, client => Assert.Null(round.Coordinator.ReceiveConfirmation(client.Confirm(announced[client.Self]).Required.Release())));
        var confirmations = round.Coordinator.CloseConfirmations().Required;
        Assert.All(honest, client => Assert.Null(round.Coordinator.ReceiveUnmasking(client.Unmask(confirmations).Required.Release())));
        return round.Coordinator.Finish();
    }

    // Lanes are added as lanes, ring elements as ring elements: no key is needed.
    private static byte[] Added(RoundParameters parameters, ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other)
    {
        var elements = parameters.Mode == AggregationMode.Mask ? 0 : one.Length / ResidueFormat.ElementSizeBytes;
        var lanesSizeBytes = one.Length - (elements * ResidueFormat.ElementSizeBytes);
        var format = parameters.Mode == AggregationMode.Mask ? LaneFormat.For(parameters.SumBits) : EncryptedUpdateSum.KeyFormat(parameters);
        var (added, lanes) = (new byte[one.Length], new uint[lanesSizeBytes / format.SizeBytes]);
        format.AddTo(lanes, one.Span[..lanesSizeBytes]);
        format.AddTo(lanes, other.Span[..lanesSizeBytes]);
        format.Pack(lanes, added.AsSpan(0, lanesSizeBytes));
        var sum = new CiphertextSum(elements);
        Assert.True(sum.TryAdd(one[lanesSizeBytes..]) && sum.TryAdd(other[lanesSizeBytes..]));
        using var element = new RingElement();
        for (var i = 0; i < elements; i++)
        {
            sum.Read(i, element);
            element.Write(added.AsSpan(lanesSizeBytes + (i * ResidueFormat.ElementSizeBytes), ResidueFormat.ElementSizeBytes));
        }

        return added;
    }
}
