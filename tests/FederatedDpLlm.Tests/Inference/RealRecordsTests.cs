using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Inference;

/// <summary>On real dialogues with known note sections: what voters make of their shards' records, under an engine that has no opinion.</summary>
public sealed class RealRecordsTests
{
    private static readonly string[] Sections = ["FAM/SOCHX", "GENHX", "PASTMEDICALHX", "CC", "PASTSURGICAL", "ROS"];

    [Fact]
    public void Votes_of_small_shards_find_the_right_section_twice_as_often_as_the_majority_class_would()
    {
        var shards = new ShardedRecords(Load("MTS-Dialog-TrainingSet.csv"), TestHospital.Key, 32);
        var asked = Load("MTS-Dialog-ValidationSet.csv").Concat(Load("MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv"))
            .Select(record => record.Text.Split("\nsection_header: ")).Where(parts => Sections.Contains(parts[1])).ToList();
        Assert.Equal(216, asked.Count);
        OptionScore[] nothing = [.. Sections.Select(_ => new OptionScore(-1, 1))];
        var right = asked.Count(question =>
        {
            var evidence = new OptionEvidence(Sections, WordTerms.Of(question[0]));
            var votes = shards.Shards(null).CountBy(shard => VoterOpinion.Vote(nothing, nothing, evidence.Weigh(shard)));
            return Sections[votes.MaxBy(count => count.Value).Key] == question[1];
        });

        // The majority class is right for 67 of 216. The split is fixed, so the figure is too.
        Assert.InRange(right, 134, 216);
    }

    private static IReadOnlyList<PatientRecord> Load(string file) =>
        HospitalRecords.Load(SharedData.Path("mts-dialog", file), ColumnMapping.Parse("patientId=ID,text=dialogue+section_header")).Records;
}
