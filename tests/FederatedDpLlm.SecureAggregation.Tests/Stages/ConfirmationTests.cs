using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class ConfirmationTests
{
    [Fact]
    public void A_client_that_did_not_upload_confirms_nothing()
    {
        using var federation = new Federation(6, 5);
        using var round = new ManualRound(federation);
        round.ToSharings();
        for (var client = 0; client < 5; client++)
        {
            Assert.Null(round.Coordinator.ReceiveUpload(round.Upload(client)));
        }

        var announced = round.Coordinator.CloseUploads().Required[0];
        var announcement = SurvivorAnnouncement.TryDecode(announced.Announcement.Span, federation.Parameters)!;
        byte[] Confirmation(int client) => SignedFrame.Seal(MessageKind.Confirmation, federation.Parameters, client, federation.Identities[client], announcement.Digest(federation.Parameters));
        Assert.Equal(RefusalCode.UnknownSender, round.Coordinator.ReceiveConfirmation(Confirmation(5))!.Code);
        Assert.Null(round.Coordinator.ReceiveConfirmation(Confirmation(4)));
        Assert.Equal(RefusalCode.Replayed, round.Coordinator.ReceiveConfirmation(Confirmation(4))!.Code);
    }
}
