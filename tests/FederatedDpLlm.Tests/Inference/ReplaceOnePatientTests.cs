using CsCheck;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Tests.Inference.Engines;

namespace FederatedDpLlm.Tests.Inference;

/// <summary>The property on which every promise stands: all records of one patient may be replaced by any others, and one voter changes.</summary>
public sealed class ReplaceOnePatientTests
{
    private const int Shards = 5;

    // Patients 0..7 with up to 12 records of random drug names and letters.
    private static readonly Gen<PatientRecord> AnyRecord =
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 6].Array[1, 12], (patient, words) => TestHospital.Record($"p{patient}", string.Join(' ', words.Select(Word))));

    private static readonly Gen<(PatientRecord[] Before, PatientRecord[] Instead, int Patient)> Neighbours =
        Gen.Select(AnyRecord.Array[0, 12], AnyRecord.Array[0, 4], Gen.Int[0, 7], (before, instead, patient) => (before, instead, patient));

    [Fact]
    public void One_context_of_the_voters_changes_and_never_the_public_one() => Check.Sample(Neighbours, neighbours =>
    {
        var (before, after) = Contexts(neighbours);
        Assert.Empty(before[0].Records);
        Assert.InRange(before.Zip(after).Count(pair => !pair.First.Records.SequenceEqual(pair.Second.Records)), 0, 1);
    });

    [Fact]
    public void At_most_one_vote_moves_from_one_option_to_another() => Check.Sample(Neighbours, neighbours =>
    {
        var counts = Both(neighbours).Select(records => Votes(records).Counts).ToList();
        var moved = counts[0].Zip(counts[1], (first, second) => second - first).ToList();
        Assert.Equal(0, moved.Sum());
        Assert.InRange(moved.Sum(Math.Abs), 0, 2);
    });

    [Fact]
    public void Each_clipped_sum_moves_by_at_most_twice_the_clip_norm() => Check.Sample(Neighbours, neighbours =>
    {
        var question = TestHospital.Ask(AnswerMechanism.PrivateDecoding);
        var sums = new List<IReadOnlyList<long>>();
        var clipSteps = 0.0;
        foreach (var records in Both(neighbours))
        {
            var answering = TestHospital.Answering(records, Shards);
            var plan = answering.PlanForRouter(question, Shards).Plan!;
            clipSteps = plan.Decoding!.ClipNorm * (1 << 24);
            using var decoding = new Disposing(answering.OpenDecodingAsync(plan, CancellationToken.None).GetAwaiter().GetResult());
            sums.Add(decoding.Session.Current.Sums);
        }

        Assert.All(sums[0].Zip(sums[1]), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 2 * clipSteps));
        Assert.All(sums[0], sum => Assert.InRange(Math.Abs(sum), 0, Shards * clipSteps));
    });

    [Fact]
    public void The_property_is_no_empty_one_some_votes_and_sums_do_move()
    {
        PatientRecord[] before = [TestHospital.Record("p1", "drug aspirin aspirin")];
        PatientRecord[] after = [TestHospital.Record("p1", "drug codeine codeine")];
        Assert.NotEqual(Votes(before).Counts, Votes(after).Counts);
    }

    private static IEnumerable<PatientRecord[]> Both((PatientRecord[] Before, PatientRecord[] Instead, int Patient) neighbours)
    {
        var patient = $"p{neighbours.Patient}";
        yield return neighbours.Before;
        yield return [.. neighbours.Before.Where(record => record.PatientId != patient), .. neighbours.Instead.Select(record => record with { PatientId = patient })];
    }

    private static (IReadOnlyList<FederatedDpLlm.Inference.Engines.ChatContext> Before, IReadOnlyList<FederatedDpLlm.Inference.Engines.ChatContext> After) Contexts(
        (PatientRecord[] Before, PatientRecord[] Instead, int Patient) neighbours)
    {
        var read = Both(neighbours).Select(records =>
        {
            var engine = new CountingEngine();
            Votes(records, engine);
            return engine.LastContexts;
        }).ToList();
        return (read[0], read[1]);
    }

    private static VoteCounts Votes(PatientRecord[] records, CountingEngine? engine = null)
    {
        var answering = TestHospital.Answering(records, Shards, engine);
        var plan = answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.Choice), Shards).Plan!;
        return answering.VoteAsync(plan, CancellationToken.None).GetAwaiter().GetResult();
    }

    private static string Word(int index) => new[] { "aspirin", "bisoprolol", "codeine", "drug", "a", "b", "c" }[index];

    private sealed class Disposing(NodeDecoding session) : IDisposable
    {
        public NodeDecoding Session => session;

        public void Dispose() => session.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
