using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Corpus;

namespace FederatedDpLlm.Models.Tests.Training;

public sealed class CorpusTests
{
    [Theory, InlineData(1), InlineData(3)]
    public void Every_question_has_four_options_of_which_the_right_one_stands_in_a_note(int records)
    {
        var corpus = new ClinicalCorpus(4);
        for (var number = 0; number < 300; number++)
        {
            var question = corpus.Question(number, records);
            Assert.Equal(records, question.Records.Count);
            Assert.Equal(4, question.Options.Distinct().Count());
            Assert.Contains(question.Records, record => record.Contains(question.Options[question.Answer], StringComparison.Ordinal));
        }
    }

    // Each place is right in a quarter of 4000 questions; a deviation of 5 standard deviations (137) has a chance below 1e-6.
    [Fact]
    public void The_right_option_is_in_every_place_equally_often()
    {
        var corpus = new ClinicalCorpus(4);
        var places = Enumerable.Range(0, 4000).GroupBy(number => corpus.Question(number, 1).Answer).Select(group => group.Count());
        Assert.All(places, count => Assert.InRange(count, 863, 1137));
    }

    [Fact]
    public void A_seed_gives_the_same_clinic_again_and_another_seed_another_one()
    {
        Assert.Equal(new ClinicalCorpus(1).Record(7).Text, new ClinicalCorpus(1).Record(7).Text);
        Assert.NotEqual(new ClinicalCorpus(1).Record(7).Text, new ClinicalCorpus(2).Record(7).Text);
        Assert.NotEqual(new ClinicalCorpus(1).Record(7).Text, new ClinicalCorpus(1).Record(8).Text);
    }

    [Fact]
    public void A_record_carries_its_code_and_its_patient()
    {
        var record = new ClinicalCorpus(1).Record(3);
        Assert.Equal("P1-3", record.PatientId);
        Assert.Contains(record.Name, record.Text, StringComparison.Ordinal);
        Assert.Contains(Assert.Single(record.Codes), record.Text, StringComparison.Ordinal);
    }

    // 60,000 draws of 6: a chi-square of 5 degrees of freedom exceeds 36 with probability 1e-6. The source is seeded, so this either always holds or never.
    [Fact]
    public void The_counter_based_source_is_uniform()
    {
        var random = new CounterRandom(1, 2);
        var counts = new int[6];
        for (var i = 0; i < 60_000; i++)
        {
            counts[random.Next(6)]++;
        }

        Assert.InRange(counts.Sum(count => Math.Pow(count - 10_000, 2) / 10_000), 0, 36);
    }
}
