using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>What the homomorphic and the committee mode promise beyond the exact sum.</summary>
public sealed class LatticeModesTests
{
    [Theory, InlineData(AggregationMode.Homomorphic), InlineData(AggregationMode.Committee)]
    public void Unreviewed_cryptography_has_to_be_accepted_by_every_party_for_itself(AggregationMode mode)
    {
        using var federation = new Federation(4, 8, mode);
        var encoded = federation.Parameters.Encode();
        Assert.Null(RoundParameters.TryDecode(encoded));
        Assert.Equal(encoded, RoundParameters.TryDecode(encoded, acceptUnreviewedCryptography: true)!.Encode());
        Assert.Throws<ArgumentException>(() => new RoundParameters(
            "test", 1, mode, 8, 16, [.. federation.Identities.Select(identity => identity.PublicKey)], new byte[32], new byte[32]));
    }

    [Fact]
    public void All_modes_give_one_sum()
    {
        var sums = Enum.GetValues<AggregationMode>().Select(mode =>
        {
            using var federation = new Federation(7, 60_000, mode, seed: 5);
            return federation.Round(client => client == 3 ? DropoutStage.BeforeUpload : DropoutStage.Never, workers: 2).Run(CancellationToken.None).Required.Values.ToArray();
        }).ToList();
        Assert.Equal(sums[0], sums[1]);
        Assert.Equal(sums[0], sums[2]);
    }

    [Fact]
    public void Outside_the_committee_a_client_sends_one_message_and_is_done()
    {
        using var federation = new Federation(16, 20, AggregationMode.Committee);
        Assert.Equal((12, 9), (federation.Parameters.Dealers, federation.Parameters.Sharing.Threshold));
        var messages = new int[16];
        var round = new InProcessRound(federation.Parameters, federation.Identities, federation.Random)
        {
            InputOf = number => federation.Inputs[number],
            DropoutOf = client => client switch { 1 => DropoutStage.BeforeSharing, 5 => DropoutStage.BeforeUnmasking, 13 => DropoutStage.BeforeAdvertising, _ => DropoutStage.Never },
            Observe = message => messages[message.Client]++,
        };
        var sum = round.Run(CancellationToken.None).Required;
        var survivors = Enumerable.Range(0, 16).Except([1, 13]).ToArray();
        Assert.Equal(survivors, sum.Survivors);
        Assert.Equal(federation.SumOf(survivors), sum.Values.ToArray());
        Assert.Equal([5, 1, 5, 5, 5, 4, 5, 5, 5, 5, 5, 5, 1, 0, 1, 1], messages);
        using var outsider = federation.Client(15);
        Assert.Equal(RefusalCode.WrongStage, outsider.Advertise().Refusal!.Code);
        Assert.Equal(RefusalCode.WrongStage, outsider.Confirm(new AnnouncedSurvivors(default, [])).Refusal!.Code);
    }

    [Fact]
    public void Uploads_of_too_few_members_end_the_round_however_many_others_sent_theirs()
    {
        using var federation = new Federation(20, 5, AggregationMode.Committee, minimumSurvivors: 4);
        var outcome = federation.Round(client => client is >= 3 and < 12 ? DropoutStage.BeforeUpload : DropoutStage.Never).Run(CancellationToken.None);
        Assert.Equal(RefusalCode.TooFewSurvivors, outcome.Refusal!.Code);
    }

    [Fact]
    public void An_upload_for_another_key_or_with_a_malformed_residue_is_refused_with_blame_and_the_round_goes_on()
    {
        foreach (var mode in new[] { AggregationMode.Homomorphic, AggregationMode.Committee })
        {
            using var federation = new Federation(6, 8, mode);
            using var round = new ManualRound(federation);
            round.ToSharings();
            var honest = round.Upload(0);
            var keyHash = UploadBody.TryDecode(SignedFrame.Open(honest.Header, MessageKind.Upload, federation.Parameters).Required.Body)!.KeyHash;
            var payload = honest.Payload.ToArray();

            // The last plane's top bits all ones: a residue of p or more.
            payload.AsSpan(payload.Length - 200).Fill(0xFF);
            Assert.Equal(new Refusal(RefusalCode.Malformed, 0), round.Coordinator.ReceiveUpload(Signed(payload, keyHash)));
            Assert.Equal(new Refusal(RefusalCode.Malformed, 0), round.Coordinator.ReceiveUpload(Signed(payload[1..], keyHash)));
            if (mode == AggregationMode.Committee)
            {
                Assert.Equal(new Refusal(RefusalCode.Equivocation, 0), round.Coordinator.ReceiveUpload(Signed(honest.Payload.ToArray(), new byte[32])));
                Assert.Equal(new Refusal(RefusalCode.Equivocation, 0), round.Coordinator.ReceiveUpload(Signed(honest.Payload.ToArray(), [])));
            }

            Assert.Null(round.Coordinator.ReceiveUpload(honest));
            Assert.Equal(RefusalCode.Replayed, round.Coordinator.ReceiveUpload(honest)!.Code);
            Assert.All(round.Clients.Skip(1), client => Assert.Null(round.Coordinator.ReceiveUpload(round.Upload(client.Self))));
            round.Confirm(round.Coordinator.CloseUploads().Required);
            Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), round.Finish().Required.Values.ToArray());

            MaskedUpload Signed(byte[] bytes, byte[] hash) =>
                new(SignedFrame.Seal(MessageKind.Upload, federation.Parameters, 0, federation.Identities[0], UploadBody.Of(bytes, keyHash: hash).Encode()), bytes);
        }
    }

    [Fact]
    public void A_key_that_does_not_fit_its_ciphertext_gives_no_sum_rather_than_a_wrong_one()
    {
        using var federation = new Federation(6, 8, AggregationMode.Homomorphic);
        using var round = new ManualRound(federation);
        round.ToSharings();
        var payload = round.Upload(0).Payload.ToArray();
        payload[0]++;
        var header = SignedFrame.Seal(MessageKind.Upload, federation.Parameters, 0, federation.Identities[0], UploadBody.Of(payload).Encode());
        Assert.Null(round.Coordinator.ReceiveUpload(new MaskedUpload(header, payload)));
        Assert.All(round.Clients.Skip(1), client => Assert.Null(round.Coordinator.ReceiveUpload(round.Upload(client.Self))));
        var announced = round.Coordinator.CloseUploads().Required;
        foreach (var client in round.Clients.Skip(1))
        {
            Assert.Null(round.Coordinator.ReceiveConfirmation(client.Confirm(announced[client.Self]).Required.Release()));
        }

        var confirmations = round.Coordinator.CloseConfirmations().Required;
        Assert.All(round.Clients.Skip(1), client => Assert.Null(round.Coordinator.ReceiveUnmasking(client.Unmask(confirmations).Required.Release())));
        Assert.Equal(RefusalCode.Undecryptable, round.Coordinator.Finish().Refusal!.Code);
        Assert.Equal(CoordinatorStage.Aborted, round.Coordinator.Stage);
    }

    [Theory, InlineData(AggregationMode.Homomorphic), InlineData(AggregationMode.Committee)]
    public void A_second_update_under_the_same_key_is_refused_and_the_same_one_repeats_its_bytes(AggregationMode mode)
    {
        using var federation = new Federation(6, 8, mode);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var first = round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).Required;
        using var restored = AggregationClient.Restore(first.Snapshot.Span, federation.Parameters, federation.Identities[0], federation.Random);
        Assert.Equal(first.Release().Payload.ToArray(), restored.Upload(inboxes[0], federation.Inputs[0]).Required.Release().Payload.ToArray());
        Assert.Equal(RefusalCode.AlreadyDecided, restored.Upload(inboxes[0], federation.Inputs[1]).Refusal!.Code);
    }
}
