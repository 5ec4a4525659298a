using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Llama;

/// <summary>Small models of random weights, in odd shapes.</summary>
internal static class RandomModel
{
    public static ModelConfiguration Shape { get; } = new()
    {
        Width = 40, FeedForwardWidth = 56, Layers = 3, Heads = 4, KeyValueHeads = 2, HeadSize = 10, Vocabulary = 262, Context = 200, TiedHead = true, BeginToken = 0, EndTokens = [1],
    };

    public static LanguageModel Create(ModelConfiguration? shape = null, int threads = 1)
    {
        var parameters = Weights(shape ?? Shape);
        return new LanguageModel(new LlamaWeights(shape ?? Shape, parameters), Tokenizer(), threads);
    }

    public static TensorSet Weights(ModelConfiguration shape)
    {
        var parameters = InitialWeights.Draw(shape, 9);
        foreach (var tensor in parameters.Shapes.Where(tensor => !tensor.IsVector))
        {
            foreach (ref var value in parameters[tensor.Name].Span)
            {
                value *= 4;
            }
        }

        return parameters;
    }

    /// <summary>Six control tokens and the 256 bytes.</summary>
    public static BytePairTokenizer Tokenizer()
    {
        var preTokenizer = new PreTokenizer([PreTokenizer.SingleDigitPattern]);
        var vocabulary = BytePairTrainer.Train([], Models.Prompts.WardTemplate.ControlTokens, 262, preTokenizer);
        return new BytePairTokenizer(vocabulary with { BeginToken = 0, EndTokens = [1] }, preTokenizer);
    }

    public static int[] Tokens(int count, ulong seed)
    {
        var random = new CounterRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(Shape.Vocabulary))];
    }
}
