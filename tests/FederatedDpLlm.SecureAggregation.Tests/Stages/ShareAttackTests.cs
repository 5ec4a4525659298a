using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Dealers and holders of wrong shares: who is named, and what becomes of the sum.</summary>
/// <remarks>Where a test says "naive", it first carries the attack through against the variant that the literature or another implementation has.</remarks>
public sealed class ShareAttackTests
{
    private const int Target = 2;

    [Fact]
    public void A_dealer_of_a_wrong_share_is_blamed_by_the_holder()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var forged = round.DealWrongly(Target, 0);
        var shown = inboxes[0].Select(relayed => relayed.Frame.Span.SequenceEqual(round.Sharings[Target].Frame.Span) ? new RelayedSharing(forged.Frame, forged.Envelopes[0]) : relayed).ToArray();
        Assert.Equal(new Refusal(RefusalCode.BadShare, Target), round.Clients[0].Upload(shown, federation.Inputs[0]).Refusal);

        // The coordinator cannot make a dealer look guilty: a changed envelope is no longer the signed one.
        var changed = inboxes[0].Select(relayed => relayed with { Envelope = Tampering.Flip(relayed.Envelope, 1200) }).ToArray();
        Assert.Equal(new Refusal(RefusalCode.PayloadMismatch), round.Clients[0].Upload(changed, federation.Inputs[0]).Refusal);
        Assert.True(round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).IsAccepted);
    }

    [Fact]
    public void A_dealer_that_sends_a_mask_it_did_not_commit_to_and_drops_out_is_named_rather_than_spoiling_the_sum()
    {
        using var federation = new Federation(6, 8, minimumSurvivors: 5);
        using var round = new ManualRound(federation);
        round.Deal();
        round.Sharings[Target] = round.DealAnotherMask(Target, reader: 4);
        round.Deliver();
        Assert.Equal(new Refusal(RefusalCode.BadKey, Target), round.FinishWithout(Target).Refusal);
    }

    [Fact]
    public void A_client_that_leaves_out_a_share_or_doubles_or_reorders_them_is_refused_with_blame()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var honest = round.Clients[1].Unmask(round.Confirmations).Required.Release();
        var body = UnmaskingBody.TryDecode(SignedFrame.Open(honest, MessageKind.Unmasking, federation.Parameters).Required.Body, 1, federation.Parameters)!;
        var bytes = body.Encode();
        const int Header = 36;
        const int Entry = 68;
        byte[] swapped = [.. bytes[..Header], .. bytes[(Header + Entry)..(Header + (2 * Entry))], .. bytes[Header..(Header + Entry)], .. bytes[(Header + (2 * Entry))..]];
        byte[] doubled = [.. bytes[..(Header + Entry)], .. bytes[Header..(Header + Entry)], .. bytes[(Header + (2 * Entry))..]];
        var few = (body with { Shares = body.Shares.Where(entry => entry.Key != Target).ToDictionary() }).Encode();
        foreach (var wrong in new[] { swapped, doubled, few })
        {
            var frame = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, 1, federation.Identities[1], wrong);
            Assert.Equal(new Refusal(RefusalCode.Malformed, 1), round.Coordinator.ReceiveUnmasking(frame));
        }

        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), round.Finish().Required.Values.ToArray());
    }

    [Fact]
    public void A_holder_that_releases_a_wrong_share_is_blamed_and_the_sum_stays_exact()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var liar = round.Clients[1].Unmask(round.Confirmations).Required.Release();
        var opened = SignedFrame.Open(liar, MessageKind.Unmasking, federation.Parameters).Required;
        var body = UnmaskingBody.TryDecode(opened.Body, 1, federation.Parameters)!;
        var wrong = body with { Shares = body.Shares.ToDictionary(entry => entry.Key, entry => entry.Value with { Value = entry.Value.Value + Scalar.One }) };
        round.Forged[1] = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, 1, federation.Identities[1], wrong.Encode());
        var outcome = round.Finish().Required;
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), outcome.Values.ToArray());
        Assert.Equal([1], outcome.Blamed);
    }

    [Fact]
    public void Wrong_shares_that_leave_too_few_right_ones_end_the_round_with_blame()
    {
        using var federation = new Federation(4, 8, minimumSurvivors: 3);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        foreach (var liar in new[] { 1, 2 })
        {
            var message = round.Clients[liar].Unmask(round.Confirmations).Required.Release();
            var body = UnmaskingBody.TryDecode(SignedFrame.Open(message, MessageKind.Unmasking, federation.Parameters).Required.Body, liar, federation.Parameters)!;
            var wrong = body with { Shares = body.Shares.ToDictionary(entry => entry.Key, entry => entry.Value with { Blinding = Scalar.Zero }) };
            round.Forged[liar] = SignedFrame.Seal(MessageKind.Unmasking, federation.Parameters, liar, federation.Identities[liar], wrong.Encode());
        }

        var refusal = round.Finish().Refusal!;
        Assert.Equal(RefusalCode.BadShare, refusal.Code);
        Assert.Contains(refusal.Blamed!.Value, new[] { 1, 2 });
        Assert.Equal(CoordinatorStage.Aborted, round.Coordinator.Stage);
    }

    [Fact]
    public void A_dealer_whose_shares_restore_nothing_is_named_before_anybody_uploads()
    {
        using var federation = new Federation(6, 8, minimumSurvivors: 5);
        using var round = new ManualRound(federation);
        round.Deal();
        var honest = round.Sharings[Target];
        var forged = round.DealOfTooHighDegree(Target);
        Assert.Equal(new Refusal(RefusalCode.BadShare, Target), round.Coordinator.ReceiveSharing(forged));

        // Naive: no holder can see it, since its own share is the committed one; the fault would come out when the seed is needed, after every upload.
        Assert.Null(round.Coordinator.ReceiveSharing(honest));
        round.Sharings.Remove(Target);
        var inboxes = round.Deliver();
        RelayedSharing[] shown = [.. inboxes[0].Select(relayed => relayed.Frame.Span.SequenceEqual(honest.Frame.Span) ? new RelayedSharing(forged.Frame, forged.Envelopes[0]) : relayed)];
        Assert.True(round.Clients[0].Upload(shown, federation.Inputs[0]).IsAccepted);
    }

    [Fact]
    public void A_bad_envelope_takes_its_reader_out_of_the_round_and_nobody_else()
    {
        using var federation = new Federation(6, 8, minimumSurvivors: 5);
        using var round = new ManualRound(federation);
        round.Deal();
        round.Sharings[Target] = round.DealWrongly(Target, 0);
        var inboxes = round.Deliver();
        Assert.Equal(new Refusal(RefusalCode.BadShare, Target), round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).Refusal);
        var sum = round.FinishWithout(0).Required;
        Assert.Equal([1, 2, 3, 4, 5], sum.Survivors);
        Assert.Equal(federation.SumOf(sum.Survivors), sum.Values.ToArray());
    }

    [Fact]
    public void A_dealer_of_more_bad_envelopes_than_the_round_can_spare_readers_ends_it_named_by_each_and_with_nothing_released()
    {
        using var federation = new Federation(6, 8, minimumSurvivors: 5);
        using var round = new ManualRound(federation);
        round.Deal();
        round.Sharings[Target] = round.DealWrongly(Target, 0, 4);
        var inboxes = round.Deliver();
        Assert.All(new[] { 0, 4 }, reader => Assert.Equal(new Refusal(RefusalCode.BadShare, Target), round.Clients[reader].Upload(inboxes[reader], federation.Inputs[reader]).Refusal));
        Assert.Equal(new Refusal(RefusalCode.TooFewSurvivors), round.FinishWithout(0, 4).Refusal);
        Assert.All(round.Clients, client => Assert.True(client.Stage < ClientStage.Confirmed));
    }
}
