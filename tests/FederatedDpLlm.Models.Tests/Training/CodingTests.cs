using FederatedDpLlm.Models.Training.Corpus.Coding;

namespace FederatedDpLlm.Models.Tests.Training;

public sealed class CodingTests
{
    private static readonly CodingWorld World = CodingWorld.Instance;

    [Fact]
    public void There_are_160_different_codes_and_names()
    {
        Assert.Equal(160, World.Conditions.Select(condition => condition.Code).Distinct().Count());
        Assert.Equal(160, World.Conditions.Select(condition => condition.Name).Distinct().Count());
    }

    [Fact]
    public void The_chances_of_a_conditions_phrases_add_up_to_one()
    {
        foreach (var kind in Enum.GetValues<CodingFeature>())
        {
            var phrases = ClinicalChapters.All.SelectMany(chapter => chapter.Phrases(kind)).Concat(ClinicalChapters.GeneralComplaints.Split('|')).Distinct().ToList();
            Assert.All(Enumerable.Range(0, 160), condition => Assert.Equal(1, phrases.Sum(phrase => World.Chance(condition, kind, phrase)), 1e-12));
        }
    }

    // Codes overlap: the most typical phrase of a condition is a frequent one of others too.
    [Fact]
    public void No_phrase_tells_the_code_by_itself()
    {
        foreach (var kind in Enum.GetValues<CodingFeature>())
        {
            foreach (var phrase in ClinicalChapters.All.SelectMany(chapter => chapter.Phrases(kind)).Distinct())
            {
                var chances = Enumerable.Range(0, 160).Select(condition => World.Chance(condition, kind, phrase)).ToList();
                Assert.InRange(chances.Max() / chances.Sum(), 0, 0.95);
            }
        }
    }

    [Fact]
    public void A_posterior_is_a_distribution_over_all_codes()
    {
        var clinic = new CodingClinic(5);
        for (var number = 0; number < 200; number++)
        {
            var posterior = World.Posterior(clinic.Case(number));
            Assert.Equal(160, posterior.Count);
            Assert.Equal(1, posterior.Sum(), 1e-9);
        }
    }

    // Whoever answers the likeliest code is right as often as the posterior says: 4000 cases, deviation below 0.0053 of the share, bound at 5 deviations. The clinic is seeded.
    [Fact]
    public void The_best_answer_is_right_as_often_as_the_posterior_says()
    {
        var clinic = new CodingClinic(6);
        var (right, expected) = (0, 0.0);
        const int Cases = 4000;
        for (var number = 0; number < Cases; number++)
        {
            var note = clinic.Case(number);
            var posterior = World.Posterior(note);
            right += posterior.ToList().IndexOf(posterior.Max()) == note.Recorded ? 1 : 0;
            expected += posterior.Max();
        }

        Assert.InRange(Math.Abs(right - expected) / Cases, 0, 0.0265);
        Assert.InRange(expected / Cases, 0.8, 0.95);
    }

    [Fact]
    public void Notes_have_several_styles_misspellings_and_second_conditions()
    {
        var clinic = new CodingClinic(7);
        var cases = Enumerable.Range(0, 400).Select(number => clinic.Case(number)).ToList();
        Assert.Contains(cases, note => note.Text.Contains("Complaint: ", StringComparison.Ordinal));
        Assert.Contains(cases, note => note.Text.Contains("CC ", StringComparison.Ordinal));
        Assert.Contains(cases, note => note.Text.EndsWith('.') && note.Text.Contains(" with ", StringComparison.Ordinal));
        Assert.Contains(cases, note => note.KnownFor is not null);
        Assert.Contains(cases, note => note.Features.Any(feature => !note.Text.Contains(feature.Phrase, StringComparison.OrdinalIgnoreCase)));
        Assert.Equal(cases[17], clinic.Case(17), (one, other) => one!.Text == other!.Text && one.Recorded == other.Recorded);
    }
}
