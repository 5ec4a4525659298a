using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;

namespace FederatedDpLlm.Tests.Inference.Voters;

public sealed class VoterTests
{
    [Fact]
    public void A_vote_goes_to_what_the_records_make_likelier_and_a_tie_as_the_public_model_prefers()
    {
        OptionScore[] baseline = [new(-1, 1), new(-9, 1), new(-4, 1)];
        Assert.Equal(1, VoterOpinion.Vote([new(-1, 1), new(-8, 1), new(-4, 1)], baseline, null));
        Assert.Equal(0, VoterOpinion.Vote(baseline, baseline, null));
        Assert.Equal(2, VoterOpinion.Vote(baseline, baseline, [-1, -1, 0]));
        Assert.Equal(0, VoterOpinion.Vote([new(-5, 1), new(-5, 1)], [new(-5, 1), new(-5, 1)], null));
    }

    [Fact]
    public void What_a_hostile_engine_says_still_gives_one_vote()
    {
        double[] odd = [double.NaN, double.NegativeInfinity, double.PositiveInfinity, 0, -1e300];
        foreach (var first in odd)
        {
            foreach (var second in odd)
            {
                Assert.InRange(VoterOpinion.Vote([new(first, 0), new(second, -4)], [new(second, 1), new(first, 1)], [0, double.NegativeInfinity]), 0, 1);
            }
        }
    }

    [Fact]
    public void Evidence_prefers_the_option_whose_examples_speak_like_the_question()
    {
        var shard = Shard("my mother smokes\nsection: FAMILY", "father drank alcohol\nsection: FAMILY", "knee surgery in May\nsection: SURGERY", "cough and CC fever\nsection: REVIEW");
        var evidence = new OptionEvidence(["FAMILY", "SURGERY", "CC"], WordTerms.Of("Which of FAMILY, SURGERY: did your mother drink or your father?"));
        var weights = evidence.Weigh(shard)!;
        Assert.Equal(weights.Max(), weights[0]);
        Assert.True(weights[0] > weights[1] + 0.01);
        Assert.True(double.IsFinite(weights[2]));
    }

    [Fact]
    public void A_shard_that_names_fewer_than_two_options_gives_no_evidence_and_an_option_never_named_gets_none()
    {
        var question = WordTerms.Of("mother");
        Assert.Null(new OptionEvidence(["FAMILY", "SURGERY"], question).Weigh(Shard("mother\nsection: FAMILY")));
        Assert.Null(new OptionEvidence(["FAMILY", "SURGERY"], question).Weigh(Shard()));
        var weights = new OptionEvidence(["FAMILY", "SURGERY", "ROS"], question).Weigh(Shard("mother\nsection: FAMILY", "knee\nsection: SURGERY"))!;
        Assert.True(double.IsNegativeInfinity(weights[2]));
    }

    [Fact]
    public void A_long_record_keeps_its_first_and_last_line_and_those_that_match()
    {
        var filler = string.Join('\n', Enumerable.Range(0, 200).Select(i => $"line {i} says nothing of note"));
        var record = "Patient: born 1950\n" + filler + "\nshe takes warfarin daily\n" + filler + "\nsection: MEDICATIONS";
        var excerpt = RecordExcerpt.Of(record, WordTerms.Of("Does she take warfarin?"));
        Assert.InRange(excerpt.Length, 500, RecordExcerpt.MaxCharacters);
        Assert.StartsWith("Patient: born 1950", excerpt, StringComparison.Ordinal);
        Assert.EndsWith("section: MEDICATIONS", excerpt, StringComparison.Ordinal);
        Assert.Contains("she takes warfarin daily", excerpt, StringComparison.Ordinal);
        Assert.Equal("short", RecordExcerpt.Of("short", []));
        Assert.InRange(RecordExcerpt.Of(new string('x', 100_000), []).Length, 1, RecordExcerpt.MaxCharacters);
    }

    [Fact]
    public void A_question_too_long_to_read_loses_its_middle_by_a_public_rule()
    {
        ChatMessage[] messages = [new("system", "short"), new("user", "begin " + new string('m', 5000) + " end")];
        var cut = MessageFit.Cut(messages, 300, all => all.Sum(message => message.Content.Length));
        Assert.InRange(cut.Sum(message => message.Content.Length), 200, 300);
        Assert.Equal("short", cut[0].Content);
        Assert.StartsWith("begin ", cut[1].Content, StringComparison.Ordinal);
        Assert.EndsWith(" end", cut[1].Content, StringComparison.Ordinal);
        Assert.Same(messages, MessageFit.Cut(messages, 6000, all => all.Sum(message => message.Content.Length)));
    }

    private static ShardIndex Shard(params string[] texts) => new([.. texts.Select((text, i) => TestHospital.Record($"p{i}", text))]);
}
