using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Training.Canaries;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>Attacks on a model's memory: that they measure what they say, and what they find.</summary>
public sealed class CanaryTests
{
    [Fact]
    public void Exposure_is_the_rank_among_all_ten_thousand_beginnings()
    {
        var tokenizer = RandomModel.Tokenizer();
        var weights = new LlamaWeights(RandomModel.Shape, RandomModel.Weights(RandomModel.Shape));
        var notes = new CanaryNotes(tokenizer, seed: 3, planted: 1, notes: 1, others: 0);
        var (begin, number) = notes.Planted[0];
        var exposure = new MemoryProbe(weights, notes, threads: 1).ExposureBits((begin, number), TestContext.Current.CancellationToken);

        using var batch = new LanguageModel(weights, tokenizer, 1).OpenBatch([notes.Prompt((begin, number))], TestContext.Current.CancellationToken);
        var digits = Enumerable.Range(0, 10_000).Select(IReadOnlyList<int> (candidate) => [.. candidate.ToString("D4").Select(digit => notes.DigitToken(digit - '0'))]).ToList();
        var scores = batch.Score(digits, TestContext.Current.CancellationToken)[0];
        var own = scores[int.Parse(number[..4])];
        Assert.Equal(Math.Log2(10_000.0 / scores.Count(score => score >= own)), exposure, 0.01);
    }

    [Fact]
    public void A_model_that_learnt_a_number_by_heart_recites_it_and_exposes_it_fully()
    {
        var tokenizer = RandomModel.Tokenizer();
        var notes = new CanaryNotes(tokenizer, seed: 3, planted: 1, notes: 1, others: 0);
        var trainer = new Trainer(RandomModel.Shape, new TrainingOptions { Seed = 5, Steps = 150, Microbatches = 1, MicrobatchTokens = 100, WarmupSteps = 5, LearningRate = 0.01 });
        trainer.Run((_, _) => notes.Members[0], _ => { }, TestContext.Current.CancellationToken);
        var probe = new MemoryProbe(new LlamaWeights(RandomModel.Shape, trainer.Parameters), notes, 1);

        Assert.Equal([true], probe.Recited(TestContext.Current.CancellationToken));
        Assert.Equal(Math.Log2(10_000), probe.ExposureBits(notes.Planted[0], TestContext.Current.CancellationToken), 1e-9);
        Assert.InRange(probe.Losses(notes.Members, TestContext.Current.CancellationToken)[0], 0, 0.2);
    }

    [Fact]
    public void The_area_under_the_curve_counts_pairs()
    {
        double[] first = [0.1, 0.5, 0.5, 0.9], second = [0.2, 0.5, 0.7];
        var pairs = first.SelectMany(a => second.Select(b => a > b ? 1 : a == b ? 0.5 : 0)).Average();
        Assert.Equal(pairs, CanaryExperiment.AreaUnderCurve(first, second), 1e-12);
    }

    // Subsets and noise are seeded here: this holds always or never.
    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public void Planted_numbers_are_recited_without_privacy_and_not_with_it()
    {
        var report = CanaryExperiment.Run(Repository.Path("models", "ward-2m"), new CanaryOptions(), new SeededRandom(1), (_, _) => { }, TestContext.Current.CancellationToken);

        Assert.InRange(report.WithoutPrivacy.ExposureBits, 10, 13.3);
        Assert.InRange(report.WithoutPrivacy.Recited, 1, 100);
        Assert.InRange(report.WithPrivacy.Epsilon, 0.1, 8);
        Assert.InRange(report.WithPrivacy.ExposureBits, 0, 2);
        Assert.Equal(0, report.WithPrivacy.Recited);
        Assert.InRange(report.WithPrivacy.MembershipAuc, 0.45, 0.55);
        Assert.True(report.WithPrivacy.LossOnOthers < report.Untrained.LossOnOthers, "Nothing was learnt.");
    }
}
