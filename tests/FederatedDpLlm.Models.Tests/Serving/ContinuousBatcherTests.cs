using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Tests.Training;

namespace FederatedDpLlm.Models.Tests.Serving;

/// <summary>Many answers from one model at the same time.</summary>
public sealed class ContinuousBatcherTests
{
    private static readonly SamplingParameters[] Samplings =
    [
        SamplingParameters.Greedy,
        new() { Temperature = 1.3 },
        new() { Temperature = 0.8, TopP = 0.9, RepetitionPenalty = 1.2 },
        new() { TopK = 20, MinP = 0.05, FrequencyPenalty = 0.4, PresencePenalty = 0.2 },
    ];

    // Goes on to its longest length: the tokens that end an answer are never drawn.
    private static readonly SamplingParameters Endless = Samplings[1] with { LogitBias = new Dictionary<int, double> { [1] = -1000 } };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task Streams_that_come_and_go_have_the_tokens_and_probabilities_of_decoding_alone() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 128], Gen.Int[1, 12], Gen.Int[1, 3], Gen.Int[0, 12], Gen.ULong).SampleAsync(
            async (count, chunk, together, threads, latest, seed) =>
            {
                var (crowd, single) = (RandomModel.Create(threads: threads), RandomModel.Create());
                var shared = RandomModel.Tokens(70, seed);
                var asked = Enumerable.Range(0, count).Select(i => new Asked(
                    [.. shared.Take(i * 31 % 71), .. RandomModel.Tokens(1 + i * 17 % 90, seed + (ulong)i)], 1 + i * 7 % 13, Samplings[i % Samplings.Length], (byte)i, i % 4 == 3 ? i % 5 : null)).ToList();
                var late = new Queue<Asked>(asked.Skip(1).OrderBy(one => one.Seed * 5 % (latest + 1)));
                var answers = new List<(Asked Asked, Task<List<StreamToken>> Tokens)>();
                var passes = 0;
                ContinuousBatcher? batcher = null;

                // Streams arrive while a pass is about to run, at a pass of their own.
                void Arrive(IReadOnlyList<ForwardPiece> pass)
                {
                    passes++;
                    lock (late)
                    {
                        while (late.TryPeek(out var next) && next.Seed * 5 % (latest + 1) <= passes)
                        {
                            late.Dequeue();
                            answers.Add((next, Ask(batcher!, next)));
                        }
                    }
                }

                using (batcher = new ContinuousBatcher(crowd, new ServingOptions { ChunkTokens = chunk, MostStreams = together, PrefixBytes = (long)(seed % 2) * 200_000 }) { Watch = Arrive })
                {
                    await Ask(batcher, asked[0]);
                    lock (late)
                    {
                        answers.AddRange(late.Select(one => (one, Ask(batcher, one))).ToList());
                        late.Clear();
                    }

                    foreach (var (one, tokens) in answers)
                    {
                        var alone = AloneDecoding.Answer(single, one.Prompt, one.MaxTokens, one.Sampling, one.Seed);
                        Assert.Equal(alone.Take(one.Leaves ?? int.MaxValue), await tokens);
                    }

                    Assert.Equal(count - 1, answers.Count);
                    Assert.Equal(default, batcher.Load);
                }

                Assert.Equal(0, crowd.LentBlocks);
            },
            iter: 15, threads: 1);

    [Fact]
    public Task Voters_that_decode_beside_streams_have_the_bits_of_decoding_alone() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[1, 128], Gen.Int[1, 3], Gen.ULong).SampleAsync(
            async (questions, chunk, threads, seed) =>
            {
                var (crowd, single) = (RandomModel.Create(threads: threads), RandomModel.Create());
                using var batcher = new ContinuousBatcher(crowd, new ServingOptions { ChunkTokens = chunk, PrefixBytes = 0 });
                var streams = Enumerable.Range(0, 3).Select(i => Ask(batcher, new Asked(RandomModel.Tokens(20 + i * 60, seed), 10, Samplings[1], (byte)i, null))).ToList();
                await Task.WhenAll(Enumerable.Range(0, questions).Select(i => Task.Run(async () =>
                {
                    var contexts = Enumerable.Range(0, 1 + i * 3).Select(voter => (IReadOnlyList<int>)RandomModel.Tokens(1 + ((i * 13) + voter) % 50, seed + (ulong)((i * 3) + voter))).ToList();
                    int[][] options = [[70], RandomModel.Tokens(40, seed), RandomModel.Tokens(7, ~seed)];
                    using var alone = single.OpenBatch(contexts, Cancellation);
                    using var prompt = await batcher.OpenAsync(contexts, 12, null, Cancellation);
                    Assert.Equal(alone.Score(options, Cancellation), await batcher.ScoreAsync(prompt, options, Cancellation));
                    using var together = prompt.Fork();
                    foreach (var token in RandomModel.Tokens(12, seed + (ulong)i))
                    {
                        await batcher.AppendAsync(together, token, Cancellation);
                        alone.Append(token, Cancellation);
                        Assert.True(Enumerable.Range(0, contexts.Count).All(context => together.Logits(context).SequenceEqual(alone.Logits(context))));
                    }
                })));
                await Task.WhenAll(streams);
                Assert.Equal(0, crowd.LentBlocks);
                Assert.Equal(default, batcher.Load);
            },
            iter: 8, threads: 1);

    [Fact]
    public async Task A_long_prompt_takes_no_more_than_a_chunk_of_a_pass_and_every_decoding_stream_goes_on_in_each()
    {
        const int Chunk = 16;
        var model = RandomModel.Create();
        var passes = new List<List<(int Tokens, bool IsStep)>>();
        Task<List<StreamToken>>? prompt = null, latecomer = null;
        var (arrived, latecomerRead) = (0, 0);
        ContinuousBatcher? batcher = null;
        void Arrive(IReadOnlyList<ForwardPiece> pass)
        {
            passes.Add([.. pass.Select(piece => (piece.Chunk.Tokens.Length, piece.Work.IsStep))]);
            if (passes.Count == 10)
            {
                prompt = Ask(batcher!, new Asked(RandomModel.Tokens(190, 7), 1, Samplings[1], 9, null));
                arrived = passes.Count;
            }

            if (passes.Count == 13)
            {
                latecomer = Ask(batcher!, new Asked(RandomModel.Tokens(8, 8), 1, Samplings[1], 9, null));
            }

            latecomerRead = latecomerRead == 0 && pass.Any(piece => piece.Work.Chunks[0].Tokens.Length == 8) ? passes.Count : latecomerRead;
        }

        using (batcher = new ContinuousBatcher(model, new ServingOptions { ChunkTokens = Chunk }) { Watch = Arrive })
        {
            await Task.WhenAll(Ask(batcher, new Asked([5, 6], 100, Endless, 1, null)), Ask(batcher, new Asked([7, 8], 99, Endless, 2, null)));
            await Task.WhenAll(prompt!, latecomer!);
        }

        var during = passes.Skip(arrived).TakeWhile(pass => pass.Any(piece => !piece.IsStep)).ToList();
        Assert.Equal((190 + 8 + Chunk - 1) / Chunk, during.Count);
        Assert.All(during, pass => Assert.True(pass.Where(piece => !piece.IsStep).Sum(piece => piece.Tokens) <= Chunk && pass.Count(piece => piece.IsStep) >= 2));

        // Whoever came behind the long prompt does not wait for its end either.
        Assert.Equal(14, latecomerRead);
    }

    [Fact]
    public async Task A_cancelled_stream_has_given_its_memory_back_when_its_reader_knows_and_the_others_go_on()
    {
        var (model, single) = (RandomModel.Create(), RandomModel.Create());
        using var hold = new ManualResetEventSlim();
        var passes = 0;
        using var batcher = new ContinuousBatcher(model, new ServingOptions { PrefixBytes = 0, MostStreams = 2 })
        {
            Watch = _ =>
            {
                if (++passes > 4)
                {
                    hold.Wait(Cancellation);
                }
            },
        };
        var other = new Asked(RandomModel.Tokens(40, 3), 150, Endless, 5, null);
        var stays = Ask(batcher, other);
        using var leaving = new CancellationTokenSource();
        var reader = batcher.GenerateAsync(Request(new Asked(RandomModel.Tokens(40, 4), 150, Endless, 6, null)), leaving.Token).GetAsyncEnumerator(Cancellation);
        Assert.True(await reader.MoveNextAsync());

        // A third one waits for a place; its going away needs no pass.
        using var impatient = new CancellationTokenSource();
        var waits = batcher.GenerateAsync(Request(other), impatient.Token).GetAsyncEnumerator(Cancellation);
        var waiting = waits.MoveNextAsync();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        await leaving.CancelAsync();
        hold.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await reader.MoveNextAsync())
            {
            }
        });
        Assert.True(model.LentBlocks <= (40 + 150 + 31) / 32);
        Assert.Equal(AloneDecoding.Answer(single, other.Prompt, other.MaxTokens, other.Sampling, other.Seed), await stays);
        Assert.Equal(0, model.LentBlocks);
        Assert.Equal(default, batcher.Load);
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_by_name_and_what_waits_is_served_in_its_turn_within_the_memory()
    {
        var model = RandomModel.Create();
        var most = 0;
        var options = new ServingOptions { CacheBytes = 6 * model.Pool.Layout.BlockBytes, MostWaiting = 3, PrefixBytes = 0 };
        using var hold = new ManualResetEventSlim();
        var turns = new List<int>();
        using var batcher = new ContinuousBatcher(model, options)
        {
            Watch = pass =>
            {
                hold.Wait(Cancellation);
                most = Math.Max(most, model.LentBlocks);
                turns.AddRange(pass.Select(piece => piece.Work.Chunks[0].Tokens.Length).Where(tokens => tokens > 1 && !turns.Contains(tokens)));
            },
        };

        // Three blocks each: two at a time, three wait, the sixth is one too many.
        Task<List<StreamToken>> Fill(int i) => Ask(batcher, new Asked(RandomModel.Tokens(60 + i, (ulong)i), 32, Endless, (byte)i, null));
        var admitted = Enumerable.Range(0, 5).Select(Fill).ToList();
        Assert.Equal(new ServingLoad(2, 3, options.CacheBytes), batcher.Load);
        var full = await Assert.ThrowsAsync<ServingRefusedException>(() => Fill(5));
        Assert.Equal(ServingRefusal.QueueFull, full.Refusal);
        var large = await Assert.ThrowsAsync<ServingRefusedException>(() => Ask(batcher, new Asked(RandomModel.Tokens(150, 1), 50, Samplings[0], 1, null)));
        Assert.Equal(ServingRefusal.TooLarge, large.Refusal);
        var longer = await Assert.ThrowsAsync<ServingRefusedException>(() => Ask(batcher, new Asked(RandomModel.Tokens(150, 1), 51, Samplings[0], 1, null)));
        Assert.Equal(ServingRefusal.TooLong, longer.Refusal);
        await Assert.ThrowsAsync<ArgumentException>(() => Ask(batcher, new Asked([262], 1, Samplings[0], 1, null)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Ask(batcher, new Asked([], 1, Samplings[0], 1, null)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Ask(batcher, new Asked([3], 0, Samplings[0], 1, null)));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Ask(batcher, new Asked([3], 1, new SamplingParameters { TopP = 2 }, 1, null)));
        hold.Set();
        await Task.WhenAll(admitted);
        Assert.InRange(most, 1, 6);
        Assert.Equal([60, 61, 62, 63, 64], turns);
        Assert.Equal(default, batcher.Load);
    }

    [Fact]
    public async Task A_stream_waits_for_the_memory_of_voters_and_comes_in_when_they_go()
    {
        var model = RandomModel.Create();
        using var batcher = new ContinuousBatcher(model, new ServingOptions { CacheBytes = 7 * model.Pool.Layout.BlockBytes, PrefixBytes = 0 });
        var batch = await batcher.OpenAsync([.. Enumerable.Range(0, 3).Select(i => RandomModel.Tokens(20, (ulong)i))], 10, null, Cancellation);
        var stream = Ask(batcher, new Asked(RandomModel.Tokens(60, 5), 4, Samplings[0], 1, null));
        await batcher.AppendAsync(batch, 9, Cancellation);
        Assert.Equal(1, batcher.Load.Waiting);
        batch.Dispose();
        batch.Dispose();
        await stream;
        Assert.Equal(default, batcher.Load);
    }

    [Fact]
    public async Task A_fault_of_one_stream_or_batch_is_its_own()
    {
        var (model, single) = (RandomModel.Create(), RandomModel.Create());
        using var batcher = new ContinuousBatcher(model, new ServingOptions { PrefixBytes = 0 });
        var good = new Asked(RandomModel.Tokens(40, 3), 30, Samplings[1], 5, null);
        var stays = Ask(batcher, good);
        var broken = batcher.GenerateAsync(Request(good) with { Random = new BrokenRandom() }, Cancellation).GetAsyncEnumerator(Cancellation);
        using var full = await batcher.OpenAsync([RandomModel.Tokens(200, 1)], 0, null, Cancellation);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await broken.MoveNextAsync());
        await Assert.ThrowsAsync<ContextOverflowException>(() => batcher.AppendAsync(full, 3, Cancellation));
        await Assert.ThrowsAsync<ContextOverflowException>(() => batcher.OpenAsync([RandomModel.Tokens(201, 1)], 0, null, Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => batcher.OpenAsync([[3, 262]], 0, null, Cancellation));
        Assert.Equal(AloneDecoding.Answer(single, good.Prompt, good.MaxTokens, good.Sampling, good.Seed), await stays);
    }

    [Fact]
    public async Task A_closed_batcher_leaves_nobody_waiting_and_holds_no_memory()
    {
        var model = RandomModel.Create();
        using var hold = new ManualResetEventSlim();
        var batcher = new ContinuousBatcher(model, new ServingOptions { MostStreams = 2 }) { Watch = _ => hold.Wait(Cancellation) };
        var streams = Enumerable.Range(0, 6).Select(i => Ask(batcher, new Asked(RandomModel.Tokens(40, (ulong)i), 150, Endless, 5, null))).ToList();
        batcher.Dispose();
        batcher.Dispose();
        hold.Set();
        foreach (var stream in streams)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => stream);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => batcher.OpenAsync([[3, 4]], 0, null, Cancellation));
        Assert.Equal(0, model.LentBlocks);
    }

    private static StreamRequest Request(Asked asked) => new("ward", asked.Prompt, asked.MaxTokens, new SeededRandom(asked.Seed)) { Sampling = asked.Sampling };

    // Leaves after some tokens where it says so, by breaking off or, where it is to have none, before the first.
    private static async Task<List<StreamToken>> Ask(ContinuousBatcher batcher, Asked asked)
    {
        var tokens = new List<StreamToken>();
        using var leaving = new CancellationTokenSource();
        try
        {
            await foreach (var token in batcher.GenerateAsync(Request(asked), leaving.Token))
            {
                if (tokens.Count == asked.Leaves)
                {
                    await leaving.CancelAsync();
                    break;
                }

                tokens.Add(token);
            }
        }
        catch (OperationCanceledException) when (asked.Leaves is not null)
        {
        }

        return tokens;
    }

    private sealed record Asked(int[] Prompt, int MaxTokens, SamplingParameters Sampling, byte Seed, int? Leaves);

    private sealed class BrokenRandom : Privacy.Sampling.ISecureRandom
    {
        public void Fill(Span<byte> destination) => throw new InvalidDataException();
    }
}
