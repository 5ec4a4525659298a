using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Tests.Training;
using FederatedDpLlm.Models.Tests.Weights;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models.Tests.Serving;

/// <summary>Answers of one base model with different adapters, or none, at the same time.</summary>
public sealed class AdaptersInOneBatchTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task Answers_of_many_adapters_in_one_batch_have_the_tokens_and_probabilities_of_each_alone() =>
        Gen.Select(Gen.Int[2, 10], Gen.Int[1, 128], Gen.Int[1, 3], Gen.ULong).SampleAsync(
            async (count, chunk, threads, seed) =>
            {
                var (crowd, single) = (RandomModel.Create(threads: threads), RandomModel.Create());
                var ranks = Enumerable.Range(0, 4).Select(rank => rank == 0 ? null : AdapterTests.Random(RandomModel.Shape, rank)).ToList();
                var together = ranks.ConvertAll(adapter => adapter is null ? null : crowd.Attach(adapter));
                var alone = ranks.ConvertAll(adapter => adapter is null ? null : single.Attach(adapter));
                var sampling = new SamplingParameters { Temperature = 1.2 };

                // One prompt for all of one tenant: what one adapter has read of it is nothing to another.
                var prompt = RandomModel.Tokens(70, seed);
                using var batcher = new ContinuousBatcher(crowd, new ServingOptions { ChunkTokens = chunk });
                for (var round = 0; round < 2; round++)
                {
                    var answers = await Task.WhenAll(Enumerable.Range(0, count).Select(async i =>
                    {
                        var tokens = new List<StreamToken>();
                        var request = new StreamRequest("ward", [.. prompt, .. RandomModel.Tokens(i * 7 % 40, seed + (ulong)i)], 10, new SeededRandom((byte)i)) { Sampling = sampling, Adapter = together[i % 4] };
                        await foreach (var token in batcher.GenerateAsync(request, Cancellation))
                        {
                            tokens.Add(token);
                        }

                        return (Request: request, tokens);
                    }));
                    Assert.All(answers.Index(), answer => Assert.Equal(
                        AloneDecoding.Answer(single, answer.Item.Request.Prompt, 10, sampling, (byte)answer.Index, alone[answer.Index % 4]), answer.Item.tokens));
                }
            },
            iter: 8, threads: 1);

    [Theory, InlineData(1), InlineData(5)]
    public void An_adapter_beside_the_weights_is_the_merged_one_but_for_rounding_and_not_the_base(int rank)
    {
        var (parameters, adapter) = (RandomModel.Weights(RandomModel.Shape), AdapterTests.Random(RandomModel.Shape, rank));
        var model = RandomModel.Create();
        var merged = new LanguageModel(new LlamaWeights(RandomModel.Shape, new AdaptedTensors(parameters, adapter)), RandomModel.Tokenizer(), 1);
        int[][] contexts = [RandomModel.Tokens(45, 1), RandomModel.Tokens(3, 2)];
        using var beside = model.OpenBatch(contexts, model.Attach(adapter), Cancellation);
        using var inside = merged.OpenBatch(contexts, Cancellation);
        using var plain = model.OpenBatch(contexts, Cancellation);
        foreach (var batch in new[] { beside, inside, plain })
        {
            batch.Append(70, Cancellation);
        }

        for (var context = 0; context < contexts.Length; context++)
        {
            var scale = inside.Logits(context).ToArray().Max(Math.Abs);
            Assert.InRange(Apart(beside.Logits(context), inside.Logits(context)) / scale, 0, 1e-4);
            Assert.True(Apart(beside.Logits(context), plain.Logits(context)) / scale > 1e-2);
        }
    }

    [Fact]
    public void An_adapter_that_does_not_fit_is_refused()
    {
        var (model, other) = (RandomModel.Create(), RandomModel.Create(RandomModel.Shape with { Layers = 2 }));
        var adapter = AdapterTests.Random(RandomModel.Shape, 2);
        Assert.Throws<ModelFormatException>(() => other.Attach(adapter));
        Assert.Throws<ModelFormatException>(() => model.Attach(new LoraAdapter(1, 1, [new LoraModule("lm_head.weight", 262, 40, new float[40], new float[262])])));
        Assert.Throws<ModelFormatException>(() => model.Attach(new LoraAdapter(1, 1, [new LoraModule("model.layers.0.mlp.up_proj.weight", 57, 40, new float[40], new float[57])])));
        Assert.Throws<ArgumentException>(() => other.OpenBatch([[5]], model.Attach(adapter), Cancellation));
        Assert.Equal(0, other.LentBlocks);
    }

    private static double Apart(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var most = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            most = Math.Max(most, Math.Abs((double)a[i] - b[i]));
        }

        return most;
    }
}
