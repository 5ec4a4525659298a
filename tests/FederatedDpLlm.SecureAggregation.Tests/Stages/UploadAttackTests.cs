using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Uploads that are replayed, cut, changed, or second ones.</summary>
/// <remarks>Where a test says "naive", it first carries the attack through against the variant that the literature or another implementation has.</remarks>
public sealed class UploadAttackTests
{
    [Fact]
    public void A_replayed_shortened_or_changed_upload_is_refused_and_the_sum_stays_exact()
    {
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        round.ToSharings();
        var uploads = Enumerable.Range(0, 6).Select(round.Upload).ToArray();
        Assert.Null(round.Coordinator.ReceiveUpload(uploads[0]));
        Assert.Equal(RefusalCode.Replayed, round.Coordinator.ReceiveUpload(uploads[0])!.Code);
        Assert.Equal(RefusalCode.PayloadMismatch, round.Coordinator.ReceiveUpload(uploads[1] with { Payload = uploads[1].Payload[..^1] })!.Code);
        Assert.Equal(RefusalCode.PayloadMismatch, round.Coordinator.ReceiveUpload(uploads[1] with { Payload = uploads[2].Payload })!.Code);
        Assert.Equal(RefusalCode.BadSignature, round.Coordinator.ReceiveUpload(uploads[1] with { Header = Tampering.Flip(uploads[1].Header, 60) })!.Code);
        Assert.Equal(RefusalCode.Malformed, round.Coordinator.ReceiveUpload(uploads[1] with { Header = round.Sharings[1].Frame })!.Code);

        // A signed header over a payload of the wrong length is the sender's fault, provably.
        var header = SignedFrame.Seal(MessageKind.Upload, federation.Parameters, 3, federation.Identities[3], UploadBody.Of(new byte[3]).Encode());
        Assert.Equal(new Refusal(RefusalCode.Malformed, 3), round.Coordinator.ReceiveUpload(new MaskedUpload(header, new byte[3])));
        foreach (var upload in uploads.Skip(1))
        {
            Assert.Null(round.Coordinator.ReceiveUpload(upload));
        }

        round.Confirm(round.Coordinator.CloseUploads().Required);
        Assert.Equal(federation.SumOf(Enumerable.Range(0, 6)), round.Finish().Required.Values.ToArray());
    }

    [Fact]
    public void Two_updates_under_the_same_masks_would_give_their_difference_and_the_second_is_refused()
    {
        using var federation = new Federation(6, 40);
        using var round = new ManualRound(federation);
        var inboxes = round.ToSharings();
        var changed = federation.Inputs[0].Select(value => value / 2).ToArray();
        var pending = round.Clients[0].Upload(inboxes[0], federation.Inputs[0]).Required;
        using var restored = AggregationClient.Restore(pending.Snapshot.Span, federation.Parameters, federation.Identities[0], federation.Random);
        Assert.Equal(RefusalCode.AlreadyDecided, restored.Upload(inboxes[0], changed).Refusal!.Code);
        var again = restored.Upload(inboxes[0], federation.Inputs[0]).Required.Release();
        Assert.Equal(pending.Release().Payload.ToArray(), again.Payload.ToArray());

        // Naive: a client that restarts from the snapshot before its upload, because it did not store the later one, leaks the difference.
        var before = round.Snapshots[0];
        using var naive = AggregationClient.Restore(before, federation.Parameters, federation.Identities[0], federation.Random);
        var second = naive.Upload(inboxes[0], changed).Required.Release();
        var difference = Lanes(pending.Release().Payload, 3).Zip(Lanes(second.Payload, 3), (a, b) => new LaneFormat(3).Signed(a - b));
        Assert.Equal(federation.Inputs[0].Zip(changed, (a, b) => a - b), difference);
    }

    private static uint[] Lanes(ReadOnlyMemory<byte> payload, int sizeBytes)
    {
        var lanes = new uint[payload.Length / sizeBytes];
        new LaneFormat(sizeBytes).AddTo(lanes, payload.Span);
        return lanes;
    }
}
