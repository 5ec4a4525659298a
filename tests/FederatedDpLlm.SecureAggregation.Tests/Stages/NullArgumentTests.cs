using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Robust;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class NullArgumentTests
{
    [Fact]
    public void Nothing_public_takes_null_for_what_it_needs()
    {
        using var federation = new Federation(4, 5);
        using var client = federation.Client(0);
        var (parameters, identity, random) = (federation.Parameters, federation.Identities[0], federation.Random);
        var announcement = new SurvivorAnnouncement([0, 1, 2, 3], new byte[32]);
        var challenge = SumChallenge.For(parameters, announcement, new int[5]);
        var coordinator = new AggregationCoordinator(parameters);
        var writer = new TranscriptWriter(new MemoryStream(), parameters);
        var groups = new RobustPlan(new CoordinateMedian(), Secrecy.Groups, 24, 1);
        var openings = new AggregateSum(new int[4], [], []);
        Action[] calls =
        [
            () => Scalar.Random(null!),
            () => new Krum(1).Choose(null!), () => new Krum(1).Combine(null!), () => SecureGroups.Assign(null!, new byte[32]), () => SecureGroups.Combine(null!, []), () => SecureGroups.Combine(groups, null!),
            () => new InProcessRound(null!, [], random) { InputOf = _ => default }, () => new UpdateQuantizer(null!), () => QuantizationPlan.For(null!),
            () => SumChallenge.For(null!, announcement, new int[5]), () => SumChallenge.For(parameters, null!, new int[5]),
            () => SumCheck.ParametersOf(null!, announcement, challenge), () => SumCheck.ParametersOf(parameters, null!, challenge), () => SumCheck.ParametersOf(parameters, announcement, null!),
            () => SumCheck.Contribute(null!, challenge, new int[5], 0, identity, random), () => SumCheck.Contribute(parameters, null!, new int[5], 0, identity, random),
            () => SumCheck.Contribute(parameters, challenge, new int[5], 0, null!, random),
            () => SumCheck.Verify(parameters, announcement, new int[5], null!, openings), () => SumCheck.Verify(parameters, announcement, new int[5], [], null!),
            () => SurvivorAnnouncement.TryDecode([], null!), () => announcement.Encode(null!),
            () => new AggregationCoordinator(null!), () => coordinator.ReceiveSharing(null!), () => coordinator.ReceiveUpload(null!),
            () => new AggregationClient(parameters, 0, null!, random), () => AggregationClient.Restore([], null!, identity, random),
            () => client.ShareKeys(null!), () => client.Upload(null!, new int[5]), () => client.Confirm(null!), () => client.Unmask(null!),
            () => TranscriptAudit.Run(null!), () => new TranscriptWriter(null!, parameters), () => new TranscriptWriter(new MemoryStream(), null!), () => writer.Append(null!),
            () => writer.Seal(null!, identity), () => writer.Seal(Outcome<AggregateSum>.Accepted(openings), null!),
            () => new RoundParameters(null!, 1, AggregationMode.Mask, 1, 16, [], new byte[32], new byte[32]), () => new RoundParameters("t", 1, AggregationMode.Mask, 1, 16, null!, new byte[32], new byte[32]),
        ];
        Assert.All(calls, call => Assert.Throws<ArgumentNullException>(call));
        Assert.Throws<ArgumentOutOfRangeException>(() => SumCheck.Contribute(parameters, challenge, new int[4], 0, identity, random));
        Assert.Throws<ArgumentOutOfRangeException>(() => client.Upload([], new int[4]));
        Assert.Throws<ArgumentException>(() => new AggregationClient(parameters, 0, federation.Identities[1], random));
    }
}
