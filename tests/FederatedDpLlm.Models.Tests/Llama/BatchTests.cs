using CsCheck;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Tests.Llama;

/// <summary>Canonical arithmetic: logits have the same bits however the work is cut.</summary>
public sealed class BatchTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Logits_have_the_same_bits_for_any_chunks_of_the_prompt()
    {
        var weights = new LlamaWeights(RandomModel.Shape, RandomModel.Weights(RandomModel.Shape));
        var tokens = RandomModel.Tokens(150, 1);
        var whole = Run(weights, tokens, 150);
        Gen.Int[1, 149].Sample(chunk => Run(weights, tokens, chunk).SequenceEqual(whole), iter: 20);
        Assert.Equal(whole, Run(weights, tokens, 1));
    }

    [Fact]
    public void Logits_have_the_same_bits_alone_and_among_other_contexts_on_any_number_of_threads() =>
        Gen.Select(Gen.Int[1, 24], Gen.Int[0, 60], Gen.Int[1, 3], Gen.ULong).Sample(
            (count, shared, threads, seed) =>
            {
                var prefix = RandomModel.Tokens(shared, seed);
                var contexts = Enumerable.Range(0, count).Select(i => (IReadOnlyList<int>)[.. prefix, .. RandomModel.Tokens(1 + (i * 7 % 40), seed + (ulong)i)]).ToList();
                var (crowd, single) = (RandomModel.Create(threads: threads), RandomModel.Create());
                using var together = crowd.OpenBatch(contexts, Cancellation);
                together.Append(65, Cancellation);
                return Enumerable.Range(0, count).All(i =>
                {
                    using var alone = single.OpenBatch([contexts[i]], Cancellation);
                    alone.Append(65, Cancellation);
                    return together.Logits(i).SequenceEqual(alone.Logits(0));
                });
            },
            iter: 12);

    [Fact]
    public void A_score_is_the_likelihood_that_step_by_step_decoding_gives()
    {
        var model = RandomModel.Create();
        int[][] contexts = [RandomModel.Tokens(9, 1), RandomModel.Tokens(33, 2), RandomModel.Tokens(9, 1)];
        int[][] options = [[70], [71, 72, 73], RandomModel.Tokens(40, 3)];
        using var batch = model.OpenBatch(contexts, Cancellation);
        var before = batch.Logits(1).ToArray();
        var scores = batch.Score(options, Cancellation);

        for (var context = 0; context < contexts.Length; context++)
        {
            for (var option = 0; option < options.Length; option++)
            {
                using var alone = model.OpenBatch([contexts[context]], Cancellation);
                var expected = 0.0;
                foreach (var token in options[option])
                {
                    expected += LogLikelihood.Of(alone.Logits(0), token);
                    alone.Append(token, Cancellation);
                }

                Assert.Equal(expected, scores[context][option], 1e-9);
            }
        }

        Assert.Equal(before, batch.Logits(1).ToArray());
        Assert.Equal(scores[0], scores[2]);
    }

    [Fact]
    public void Contexts_that_begin_alike_share_memory_and_disposal_gives_all_of_it_back()
    {
        var model = RandomModel.Create();
        var prefix = RandomModel.Tokens(160, 5);
        var contexts = Enumerable.Range(0, 20).Select(i => (IReadOnlyList<int>)[.. prefix, 100 + i]).ToList();
        using (var batch = model.OpenBatch(contexts, Cancellation))
        {
            // Five shared blocks of 32, and one of its own for each context.
            Assert.Equal(5 + 20, model.LentBlocks);
            batch.Score([[66, 67]], Cancellation);
            Assert.Equal(5 + 20, model.LentBlocks);
        }

        Assert.Equal(0, model.LentBlocks);
    }

    [Fact]
    public void Answers_that_go_on_from_one_prompt_do_not_see_each_other_and_have_the_bits_of_a_prompt_of_their_own()
    {
        var model = RandomModel.Create();
        int[][] contexts = [RandomModel.Tokens(9, 1), RandomModel.Tokens(64, 2), RandomModel.Tokens(9, 1)];
        using (var prompt = model.OpenBatch(contexts, Cancellation))
        {
            foreach (var answer in new[] { RandomModel.Tokens(5, 3), RandomModel.Tokens(40, 4) })
            {
                using var fork = prompt.Fork();
                using var alone = model.OpenBatch(contexts, Cancellation);
                foreach (var token in answer)
                {
                    Assert.True(Enumerable.Range(0, contexts.Length).All(context => fork.Logits(context).SequenceEqual(alone.Logits(context))));
                    fork.Append(token, Cancellation);
                    alone.Append(token, Cancellation);
                }
            }
        }

        Assert.Equal(0, model.LentBlocks);
    }

    [Fact]
    public void A_context_that_is_too_long_is_refused_and_holds_no_memory()
    {
        var model = RandomModel.Create();
        var refused = Assert.Throws<ContextOverflowException>(() => model.OpenBatch([RandomModel.Tokens(201, 1)], Cancellation));
        Assert.Equal(200, refused.ContextTokens);
        Assert.Equal(0, model.LentBlocks);
        using var full = model.OpenBatch([RandomModel.Tokens(200, 1)], Cancellation);
        Assert.Throws<ContextOverflowException>(() => full.Append(3, Cancellation));
    }

    [Fact]
    public void A_cancelled_prefill_stops_and_gives_its_memory_back()
    {
        var model = RandomModel.Create();
        Assert.Throws<OperationCanceledException>(() => model.OpenBatch([RandomModel.Tokens(100, 1)], new CancellationToken(canceled: true)));
        Assert.Equal(0, model.LentBlocks);
    }

    private static float[] Run(LlamaWeights weights, int[] tokens, int chunk)
    {
        var pool = new KvBlockPool(new KvLayout(weights.Shape));
        var workspace = new ForwardWorkspace(weights.Shape, tokens.Length);
        using var sequence = new KvSequence(pool);
        for (var start = 0; start < tokens.Length; start += chunk)
        {
            LlamaForward.Run(weights, [new SequenceChunk(sequence, tokens.AsMemory(start, Math.Min(chunk, tokens.Length - start)), LogitsWanted.Last)], workspace);
        }

        return workspace.Logits.Span[..weights.Shape.Vocabulary].ToArray();
    }
}
