using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Tests.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Transcripts;

public sealed class TranscriptTests
{
    private static readonly byte[] CoordinatorSeed = [.. Enumerable.Repeat((byte)9, 32)];

    [Fact]
    public void An_auditor_replays_a_round_with_dropouts_to_the_same_sum()
    {
        using var federation = new Federation(7, 30);
        var (bytes, outcome) = Record(federation, client => client == 2 ? DropoutStage.BeforeUpload : client == 4 ? DropoutStage.BeforeUnmasking : DropoutStage.Never);
        var report = TranscriptAudit.Run(new MemoryStream(bytes));
        Assert.Equal(TranscriptVerdict.Consistent, report.Verdict);
        Assert.Equal(TranscriptSeal.HashOf(outcome.Required.Values.Span), report.Seal!.SumHash.ToArray());
        Assert.Equal([0, 1, 3, 4, 5, 6], report.Seal.Survivors);
        Assert.Equal(federation.Parameters.Digest.ToArray(), report.Parameters!.Digest.ToArray());
        Assert.Equal(32, report.UploadRoot.Length);
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        Assert.Equal(coordinator.PublicKey.ToArray(), report.CoordinatorKey.ToArray());
    }

    [Theory, InlineData(AggregationMode.Homomorphic), InlineData(AggregationMode.Committee)]
    public void A_round_of_the_lattice_modes_is_replayed_too(AggregationMode mode)
    {
        using var federation = new Federation(4, 30, mode);
        var (bytes, outcome) = Record(federation, client => client == 3 ? DropoutStage.BeforeConfirming : DropoutStage.Never);
        var report = TranscriptAudit.Run(new MemoryStream(bytes));
        Assert.Equal(TranscriptVerdict.Consistent, report.Verdict);
        Assert.Equal(TranscriptSeal.HashOf(outcome.Required.Values.Span), report.Seal!.SumHash.ToArray());
    }

    [Fact]
    public void A_round_that_ended_without_a_sum_is_told_from_one_that_gave_one()
    {
        using var federation = new Federation(6, 8);
        foreach (var stage in Enum.GetValues<DropoutStage>().Where(stage => stage != DropoutStage.Never))
        {
            var (bytes, outcome) = Record(federation, client => client < 3 ? stage : DropoutStage.Never);
            Assert.False(outcome.IsAccepted);
            var report = TranscriptAudit.Run(new MemoryStream(bytes));
            Assert.Equal((stage, null, TranscriptVerdict.EndedWithoutSum), (stage, report.Fault, report.Verdict));
            Assert.Equal(outcome.Refusal!.Code, report.Seal!.Refusal);
        }
    }

    [Fact]
    public void A_transcript_with_any_bit_changed_is_refused() => Flipped(stride: 97);

    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void A_transcript_with_any_bit_changed_is_refused_at_every_seventh_byte() => Flipped(stride: 7);

    [Fact]
    public void A_transcript_that_is_cut_or_longer_is_refused()
    {
        using var federation = new Federation(4, 3, minimumSurvivors: 3);
        var (bytes, _) = Record(federation, _ => DropoutStage.Never);
        for (var length = 0; length < bytes.Length; length += 61)
        {
            Assert.Equal(TranscriptVerdict.Invalid, TranscriptAudit.Run(new MemoryStream(bytes[..length])).Verdict);
        }

        Assert.Equal(TranscriptFault.Malformed, TranscriptAudit.Run(new MemoryStream([.. bytes, 0])).Fault);
        Assert.Equal(TranscriptFault.NotATranscript, TranscriptAudit.Run(new MemoryStream("{}"u8.ToArray())).Fault);
    }

    [Fact]
    public void A_round_sealed_by_another_key_or_with_other_parameters_than_expected_is_refused()
    {
        using var federation = new Federation(4, 3, minimumSurvivors: 3);
        var (bytes, _) = Record(federation, _ => DropoutStage.Never);
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        Assert.Equal(TranscriptVerdict.Authenticated, TranscriptAudit.Run(new MemoryStream(bytes), federation.Parameters.Digest.ToArray(), coordinator.PublicKey).Verdict);
        Assert.Equal(TranscriptVerdict.Consistent, TranscriptAudit.Run(new MemoryStream(bytes), federation.Parameters.Digest.ToArray()).Verdict);
        Assert.Equal(TranscriptVerdict.Consistent, TranscriptAudit.Run(new MemoryStream(bytes), default, coordinator.PublicKey).Verdict);
        Assert.Equal(TranscriptFault.WrongParameters, TranscriptAudit.Run(new MemoryStream(bytes), new byte[32]).Fault);
        Assert.Equal(TranscriptFault.BadSeal, TranscriptAudit.Run(new MemoryStream(bytes), default, new byte[32]).Fault);
    }

    [Fact]
    public void A_coordinator_that_claims_another_sum_or_hides_whom_it_blamed_is_caught()
    {
        using var federation = new Federation(6, 8);
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        foreach (var lie in new Func<AggregateSum, AggregateSum>[]
        {
            sum => sum with { Values = new int[8] },
            sum => sum with { Survivors = [.. sum.Survivors.Skip(1)] },
            sum => sum with { Blamed = [3] },
        })
        {
            var (bytes, _) = Record(federation, _ => DropoutStage.Never, lie);
            Assert.Equal(TranscriptFault.WrongResult, TranscriptAudit.Run(new MemoryStream(bytes)).Fault);
        }
    }

    [Fact]
    public void A_sealed_transcript_takes_no_more_entries()
    {
        using var federation = new Federation(4, 3);
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        var writer = new TranscriptWriter(new MemoryStream(), federation.Parameters);
        writer.Seal(Outcome<AggregateSum>.Refused(RefusalCode.TooFewSurvivors), coordinator);
        Assert.Throws<InvalidOperationException>(() => writer.Append(new TranscriptEntry(CoordinatorStage.Advertisements, new byte[1], [])));
        Assert.Throws<InvalidOperationException>(() => writer.Seal(Outcome<AggregateSum>.Refused(RefusalCode.TooFewSurvivors), coordinator));
    }

    [Theory, InlineData(AggregationMode.Mask), InlineData(AggregationMode.Homomorphic), InlineData(AggregationMode.Committee)]
    public void A_file_of_kilobytes_that_claims_a_thousand_million_values_takes_no_memory_for_them(AggregationMode mode)
    {
        using var federation = new Federation(4, 1, mode);
        var parameters = federation.ParametersOf(mode, RoundParameters.LongestVector, valueBits: 16);
        AggregationClient[] clients = [.. federation.Identities.Select((identity, number) => new AggregationClient(parameters, number, identity, federation.Random))];
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        List<ReadOnlyMemory<byte>> advertisements = [.. clients.Select(client => client.Advertise().Required.Release())];
        List<TranscriptEntry> entries =
        [
            .. advertisements.Select(frame => new TranscriptEntry(CoordinatorStage.Advertisements, frame, [])),
            .. clients.Select(client => client.ShareKeys(advertisements).Required.Release()).Select(sharing => new TranscriptEntry(CoordinatorStage.Sharings, sharing.Frame, sharing.Envelopes)),
        ];

        // The round ends before any upload, or with one that is signed as having all these values and has none.
        var header = SignedFrame.Seal(MessageKind.Upload, parameters, 0, federation.Identities[0], new UploadBody(3L * RoundParameters.LongestVector, new byte[32], []).Encode());
        foreach (TranscriptEntry[] uploads in new TranscriptEntry[][] { [], [new(CoordinatorStage.Uploads, header, [new byte[10]])] })
        {
            using var file = new MemoryStream();
            var writer = new TranscriptWriter(file, parameters);
            entries.Concat(uploads).ToList().ForEach(writer.Append);
            writer.Seal(Outcome<AggregateSum>.Refused(RefusalCode.TooFewSurvivors), coordinator);
            file.Position = 0;
            var before = GC.GetAllocatedBytesForCurrentThread();
            var report = TranscriptAudit.Run(file);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
            Assert.Equal(uploads.Length == 0 ? null : TranscriptFault.MessageRefused, report.Fault);
        }

        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public void A_coordinator_that_leaves_the_last_messages_out_gets_no_more_than_a_round_without_a_sum_and_another_head()
    {
        using var federation = new Federation(6, 8);
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        var entries = new List<TranscriptEntry>();
        var round = new InProcessRound(federation.Parameters, federation.Identities, federation.Random) { InputOf = client => federation.Inputs[client], Record = entries.Add };
        var outcome = round.Run(CancellationToken.None);
        var whole = Audit(entries, outcome);
        Assert.Equal(TranscriptVerdict.Authenticated, whole.Verdict);
        var stages = entries.Where(entry => entry.Stage < CoordinatorStage.Unmaskings).ToList();
        var cut = Audit(stages, Outcome<AggregateSum>.Refused(RefusalCode.BelowThreshold));
        Assert.Equal(TranscriptVerdict.EndedWithoutSum, cut.Verdict);
        Assert.True(cut.IsExpected);
        Assert.NotEqual(whole.Seal!.Root.ToArray(), cut.Seal!.Root.ToArray());
        Assert.Equal(TranscriptVerdict.Invalid, Audit(stages, outcome).Verdict);

        TranscriptReport Audit(List<TranscriptEntry> shown, Outcome<AggregateSum> claimed)
        {
            using var file = new MemoryStream();
            var writer = new TranscriptWriter(file, federation.Parameters);
            shown.ForEach(writer.Append);
            writer.Seal(claimed, coordinator);
            file.Position = 0;
            return TranscriptAudit.Run(file, federation.Parameters.Digest.ToArray(), coordinator.PublicKey);
        }
    }

    internal static (byte[] Bytes, Outcome<AggregateSum> Outcome) Record(Federation federation, Func<int, DropoutStage> dropout, Func<AggregateSum, AggregateSum>? lie = null)
    {
        using var file = new MemoryStream();
        using var coordinator = new HospitalIdentity(CoordinatorSeed);
        var writer = new TranscriptWriter(file, federation.Parameters);
        var round = new InProcessRound(federation.Parameters, federation.Identities, federation.Random)
        {
            InputOf = client => federation.Inputs[client],
            DropoutOf = dropout,
            Record = writer.Append,
        };
        var outcome = round.Run(CancellationToken.None);
        writer.Seal(lie is null ? outcome : Outcome<AggregateSum>.Accepted(lie(outcome.Required)), coordinator);
        return (file.ToArray(), outcome);
    }

    private static void Flipped(int stride)
    {
        using var federation = new Federation(4, 3, minimumSurvivors: 3);
        var (bytes, _) = Record(federation, client => client == 1 ? DropoutStage.BeforeUpload : DropoutStage.Never);
        for (var place = 0; place < bytes.Length; place += stride)
        {
            bytes[place] ^= (byte)(1 << (place % 8));
            var report = TranscriptAudit.Run(new MemoryStream(bytes));
            Assert.Equal((place, TranscriptVerdict.Invalid), (place, report.Verdict));
            bytes[place] ^= (byte)(1 << (place % 8));
        }

        Assert.Equal(TranscriptVerdict.Consistent, TranscriptAudit.Run(new MemoryStream(bytes)).Verdict);
    }
}
