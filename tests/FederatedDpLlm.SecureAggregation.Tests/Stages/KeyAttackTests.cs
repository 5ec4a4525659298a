using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Keys that are swapped, shown to some only, of another round, or none.</summary>
/// <remarks>Where a test says "naive", it first carries the attack through against the variant that the literature or another implementation has.</remarks>
public sealed class KeyAttackTests
{
    private const int Target = 2;

    [Fact]
    public void Keys_that_nobody_enrolled_let_the_coordinator_stand_in_for_everybody_else_and_read_an_update()
    {
        // Naive: a hospital takes the others' keys from the coordinator, unsigned or signed by whoever signs (Flower's secaggplus). It makes up five hospitals round
        // the target, deals and agrees on masks as each of them, and so has all that hides the upload.
        using var madeUp = new Federation(6, 40);
        using var naive = new ManualRound(madeUp);
        naive.ToSharings();
        Array.ForEach(naive.Clients, client => naive.Upload(client.Self));
        Assert.Equal(madeUp.Inputs[Target], naive.OpenByOthers(Target));

        // Ours: the roster's keys were enrolled before, so the made-up hospitals' advertisements are of another round, or signed by nobody.
        using var enrolled = new Federation(6, 40, seed: 2);
        using var round = new ManualRound(enrolled);
        ReadOnlyMemory<byte>[] shown = [.. round.Advertise()];
        Assert.Equal(RefusalCode.WrongContext, ShareWith(naive.Advertisements[0]));
        var body = SignedFrame.Open(naive.Advertisements[0], MessageKind.Advertisement, madeUp.Parameters).Required.Body;
        Assert.Equal(RefusalCode.BadSignature, ShareWith(SignedFrame.Seal(MessageKind.Advertisement, enrolled.Parameters, 0, madeUp.Identities[0], body)));

        RefusalCode ShareWith(ReadOnlyMemory<byte> forged) => round.Clients[Target].ShareKeys([forged, .. shown[1..]]).Refusal!.Code;
    }

    [Fact]
    public void A_swapped_key_is_noticed_whoever_signs_it()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise().ToArray();

        // A changed key no longer fits its signature.
        var swapped = advertisements[Target].ToArray();
        swapped[50] ^= 1;
        Assert.Equal(RefusalCode.BadSignature, ShareWith(0, swapped));

        // The coordinator enrols nobody: a frame signed by another key on the roster is not the target's.
        var another = SignedFrame.Seal(MessageKind.Advertisement, federation.Parameters, Target, federation.Identities[5], new byte[AdvertisementBook.BodySizeBytes]);
        Assert.Equal(RefusalCode.BadSignature, ShareWith(0, another));

        // Even a valid signature (an older advertisement, a stolen key) is noticed by the owner.
        var older = SignedFrame.Seal(MessageKind.Advertisement, federation.Parameters, Target, federation.Identities[Target], new byte[AdvertisementBook.BodySizeBytes]);
        Assert.Equal(RefusalCode.Equivocation, ShareWith(Target, older));

        // The same client twice, too few, another stage's message.
        Assert.Equal(RefusalCode.Replayed, round.Clients[0].ShareKeys([.. advertisements, advertisements[1]]).Refusal!.Code);
        Assert.Equal(RefusalCode.TooFewSurvivors, round.Clients[0].ShareKeys([.. advertisements.Take(3)]).Refusal!.Code);
        Assert.Equal(RefusalCode.WrongStage, round.Clients[0].Confirm(new AnnouncedSurvivors(default, [])).Refusal!.Code);

        RefusalCode ShareWith(int reader, byte[] replacement)
        {
            var shown = advertisements.ToArray();
            shown[Target] = replacement;
            return round.Clients[reader].ShareKeys(shown).Refusal!.Code;
        }
    }

    [Fact]
    public void A_client_shown_two_sets_of_advertisements_answers_the_first_only()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise();
        var first = round.Clients[0].ShareKeys(advertisements).Required.Release();
        Assert.Equal(RefusalCode.AlreadyDecided, round.Clients[0].ShareKeys([.. advertisements.Take(5)]).Refusal!.Code);
        Assert.Equal(first.Frame.ToArray(), round.Clients[0].ShareKeys(advertisements).Required.Release().Frame.ToArray());
    }

    [Theory, InlineData(2, 1), InlineData(1, 2)]
    public void A_message_of_another_round_or_model_is_refused(long otherRound, byte otherModel)
    {
        using var federation = new Federation(6, 8);
        var other = federation.ParametersOf(AggregationMode.Mask, 8, round: otherRound, model: otherModel);
        using var client = new AggregationClient(other, 0, federation.Identities[0], federation.Random);
        var coordinator = new AggregationCoordinator(federation.Parameters);
        Assert.Equal(RefusalCode.WrongContext, coordinator.ReceiveAdvertisement(client.Advertise().Required.Release())!.Code);
    }

    [Fact]
    public void A_client_refuses_sharings_that_answer_other_advertisements_than_the_ones_it_dealt_for()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var graph = SharingGraph.Build(6, [0, 1, 2, 3, 4, 5], federation.Parameters.Sharing, new byte[32]);
        RelayedSharing[] elsewhere = [.. inboxes[0].Select((shown, i) =>
        {
            var body = SharingBody.TryDecode(SignedFrame.Open(shown.Frame, MessageKind.Sharing, federation.Parameters).Required.Body, i + 1, graph)!;
            return shown with { Frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, i + 1, federation.Identities[i + 1], (body with { Advertisements = new byte[32] }).Encode()) };
        })];
        Assert.Equal(new Refusal(RefusalCode.Equivocation), round.Clients[0].Upload(elsewhere, federation.Inputs[0]).Refusal);
        Assert.Equal(RefusalCode.Equivocation, round.Clients[0].Upload([.. inboxes[0].Skip(1), elsewhere[0]], federation.Inputs[0]).Refusal!.Code);
        Assert.True(round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).IsAccepted);
    }

    [Fact]
    public void Malformed_points_and_keys_are_refused_with_blame()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var advertisements = round.Advertise().ToArray();
        var honest = round.Clients[Target].ShareKeys(advertisements).Required.Release();
        var body = SignedFrame.Open(honest.Frame, MessageKind.Sharing, federation.Parameters).Required.Body.ToArray();
        body.AsSpan(32, 32).Fill(0xFF);
        var forged = honest with { Frame = SignedFrame.Seal(MessageKind.Sharing, federation.Parameters, Target, federation.Identities[Target], body) };
        Assert.NotNull(round.Coordinator.CloseAdvertisements().Value);
        Assert.Equal(new Refusal(RefusalCode.Malformed, Target), round.Coordinator.ReceiveSharing(forged));
        Assert.Equal(RefusalCode.PayloadMismatch, round.Coordinator.ReceiveSharing(honest with { Envelopes = [.. honest.Envelopes.Skip(1)] })!.Code);
        Assert.Null(round.Coordinator.ReceiveSharing(honest));

        // A lattice key with coefficients out of range.
        var broken = SignedFrame.Seal(MessageKind.Advertisement, federation.Parameters, 5, federation.Identities[5], [.. Enumerable.Repeat((byte)0xFF, AdvertisementBook.BodySizeBytes)]);
        advertisements[5] = broken;
        Assert.Equal(new Refusal(RefusalCode.BadKey, 5), round.Clients[0].ShareKeys(advertisements).Refusal);
    }
}
