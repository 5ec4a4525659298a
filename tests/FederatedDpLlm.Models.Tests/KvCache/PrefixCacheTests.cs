using CsCheck;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Tests.Serving;
using FederatedDpLlm.Models.Tests.Training;
using FederatedDpLlm.Models.Tests.Weights;

namespace FederatedDpLlm.Models.Tests.KvCache;

/// <summary>Prompts that begin alike, of one tenant and of several.</summary>
public sealed class PrefixCacheTests
{
    private const int Block = KvLayout.BlockPositions;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void What_is_found_is_the_longest_beginning_in_whole_blocks_that_the_same_tenant_kept_and_never_anothers() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 1], Gen.Int[0, 3], Gen.Int[1, 190], Gen.Int[0, 190]).List[1, 30].Sample(prompts =>
        {
            var model = RandomModel.Create();
            ModelAdapter?[] adapters = [null, model.Attach(AdapterTests.Random(RandomModel.Shape, 2))];
            using (var cache = new PrefixCache(model.Pool, 1000))
            {
                var kept = new List<(string Tenant, int Adapter, int[] Tokens)>();
                foreach (var (tenant, adapter, family, length, own) in prompts)
                {
                    var name = "tenant-" + tenant;
                    int[] tokens = [.. RandomModel.Tokens(Math.Min(own, length), (ulong)family), .. RandomModel.Tokens(Math.Max(0, length - own), (ulong)length)];
                    var known = kept.Where(one => one.Tenant == name && one.Adapter == adapter).Select(one => one.Tokens.AsSpan().CommonPrefixLength(tokens) / Block).DefaultIfEmpty(0).Max();
                    using var sequence = cache.Begin(name, adapters[adapter], tokens);
                    Assert.Equal(Math.Min(known, (tokens.Length - 1) / Block) * Block, sequence.Length);
                    sequence.Extend(tokens.Length - sequence.Length);
                    cache.Keep(name, tokens, sequence);
                    kept.Add((name, adapter, tokens));
                }

                // What is kept is held once, by the cache alone.
                Assert.Equal(cache.Count, model.LentBlocks);
            }

            Assert.Equal(0, model.LentBlocks);
        }, iter: 100);

    [Fact]
    public void The_prompt_that_was_unused_for_the_longest_time_goes_first_its_end_before_its_beginning()
    {
        var model = RandomModel.Create();
        using var cache = new PrefixCache(model.Pool, 4);
        var prompts = Enumerable.Range(0, 3).Select(i => RandomModel.Tokens(2 * Block + 1, (ulong)i)).ToList();
        Read(cache, prompts[0]);
        Read(cache, prompts[1]);
        Assert.Equal(2 * Block, Read(cache, prompts[0]));
        Assert.Equal(0, Read(cache, prompts[2]));
        Assert.Equal(2 * Block, Length(cache, prompts[0]));
        Assert.Equal(0, Length(cache, prompts[1]));
        Read(cache, RandomModel.Tokens(Block + 1, 9));
        Assert.Equal(Block, Length(cache, prompts[2]));
        Assert.Equal(4, cache.Count);
        Assert.Equal(4, model.LentBlocks);
    }

    [Fact]
    public void A_tenant_without_a_name_and_a_cache_without_room_keep_nothing()
    {
        var model = RandomModel.Create();
        using var cache = new PrefixCache(model.Pool, 100);
        using var none = new PrefixCache(model.Pool, 0);
        Assert.Equal([0, 0, 0], [Read(cache, RandomModel.Tokens(99, 1), ""), Read(cache, RandomModel.Tokens(99, 1), ""), Read(none, RandomModel.Tokens(99, 1))]);
        Assert.Equal(0, Read(none, RandomModel.Tokens(99, 1)));
        Assert.Equal(0, model.LentBlocks);
    }

    [Fact]
    public async Task A_prompt_of_the_same_tenant_is_read_from_where_it_is_new_and_another_tenants_work_and_load_are_those_of_a_first_prompt()
    {
        var (model, single) = (RandomModel.Create(), RandomModel.Create());
        var (prompt, rows, loads) = (RandomModel.Tokens(150, 4), new List<int>(), new List<ServingLoad>());
        ContinuousBatcher? batcher = null;
        using (batcher = new ContinuousBatcher(model)
        {
            Watch = pass =>
            {
                rows.Add(pass.Sum(piece => piece.Chunk.Tokens.Length));
                loads.Add(batcher!.Load);
            },
        })
        {
            var alone = AloneDecoding.Answer(single, prompt, 1, SamplingParameters.Greedy, 1);
            foreach (var tenant in new[] { "ana", "ana", "ben", "", "", "ben" })
            {
                var tokens = new List<StreamToken>();
                await foreach (var token in batcher.GenerateAsync(new StreamRequest(tenant, prompt, 1, new SeededRandom(1)) { Sampling = SamplingParameters.Greedy }, Cancellation))
                {
                    tokens.Add(token);
                }

                Assert.Equal(alone, tokens);
            }
        }

        const int Known = 150 / Block * Block;
        Assert.Equal([150, 150 - Known, 150, 150, 150, 150 - Known], rows);

        // What a batcher shows of itself says nothing of what it has kept.
        Assert.Single(loads.Distinct());
        Assert.Equal(0, model.LentBlocks);
    }

    private static int Length(PrefixCache cache, int[] tokens)
    {
        using var sequence = cache.Begin("ward", null, tokens);
        return sequence.Length;
    }

    private static int Read(PrefixCache cache, int[] tokens, string tenant = "ward")
    {
        using var sequence = cache.Begin(tenant, null, tokens);
        var known = sequence.Length;
        sequence.Extend(tokens.Length - known);
        cache.Keep(tenant, tokens, sequence);
        return known;
    }
}
