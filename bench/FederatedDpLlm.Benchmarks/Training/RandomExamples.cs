using FederatedDpLlm.Models.Training;

namespace FederatedDpLlm.Benchmarks.Training;

/// <summary>Examples of one length and random tokens: speed does not depend on what they say.</summary>
internal static class RandomExamples
{
    public static IReadOnlyList<TrainingExample> Of(int examples, int tokens, int vocabulary)
    {
        var random = new CounterRandom(7);
        return
        [
            .. Enumerable.Range(0, examples).Select(_ => new TrainingExample(
                [.. Enumerable.Range(0, tokens + 1).Select(_ => random.Next(vocabulary))], [.. Enumerable.Repeat(1f, tokens + 1)])),
        ];
    }
}
