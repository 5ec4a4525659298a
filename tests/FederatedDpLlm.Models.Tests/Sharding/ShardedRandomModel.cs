using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Sharding;

/// <summary>A model of random weights, whole and cut, in this process.</summary>
internal sealed class ShardedRandomModel(ModelConfiguration shape, ElementType type = ElementType.Float32)
{
    private readonly QuantizedTensors _parameters = new(RandomModel.Weights(shape), type);
    private LlamaWeights? _whole;
    private ShardedModel? _model;

    public ModelConfiguration Shape => shape;

    /// <summary>How its matrices are kept.</summary>
    public ElementType Type { get; } = type;

    public ShardedModel Model => _model ??= new ShardedModel(shape, _parameters, tokenizer: null);

    public ShardedForward Cut(ShardPlan plan) =>
        new(Model, plan, [.. plan.Shards.Select(assignment => new LocalShard(Engine(assignment)))]);

    public ShardEngine Engine(ShardAssignment assignment) => new(shape, _parameters, Model.Manifest, assignment, threads: 1);

    /// <summary>The unsharded pass, in one chunk a sequence: the logits after every token.</summary>
    public float[] Unsharded(params IReadOnlyList<int[]> sequences)
    {
        var weights = _whole ??= new LlamaWeights(shape, _parameters);
        var pool = new KvBlockPool(new KvLayout(shape));
        var workspace = new ForwardWorkspace(shape, sequences.Sum(tokens => tokens.Length));
        var wanted = LlamaForward.Run(weights, [.. sequences.Select(tokens => new SequenceChunk(new KvSequence(pool), tokens, LogitsWanted.All))], workspace);
        return workspace.Logits.Span[..(wanted * shape.Vocabulary)].ToArray();
    }

    /// <summary>Any plan at all: every layer's slices are dealt out anew, in runs of any length, to nodes in any order.</summary>
    public ShardPlan AnyPlan(ulong seed)
    {
        var random = new CounterRandom(seed);
        var nodes = 1 + random.Next(5);
        var held = Enumerable.Range(0, nodes).Select(_ => new List<LayerSlices>()).ToArray();
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            // A third of the layers lies whole on one node.
            var whole = random.Next(3) == 0 ? 1 : nodes;
            var order = Enumerable.Range(0, nodes).OrderBy(_ => random.Next(1 << 20)).ToArray();
            var (attention, feedForward) = (Deal(shape.AttentionSlices, whole, random), Deal(shape.FeedForwardSlices, whole, random));
            for (var turn = 0; turn < whole; turn++)
            {
                if (attention[turn].Length + feedForward[turn].Length > 0)
                {
                    held[order[turn]].Add(new LayerSlices(layer, attention[turn], feedForward[turn]));
                }
            }
        }

        return new ShardPlan(1, ShardStrategy.TensorPipeline, Model.Manifest.Root, [.. held.Select((layers, node) => new ShardAssignment($"node-{node}", "home", layers))], TrustZones.Only("home").Edges);
    }

    private static SliceRun[] Deal(int slices, int nodes, CounterRandom random)
    {
        int[] cuts = [0, .. Enumerable.Range(1, nodes - 1).Select(_ => random.Next(slices + 1)).Order(), slices];
        return [.. Enumerable.Range(0, nodes).Select(node => new SliceRun(cuts[node], cuts[node + 1]))];
    }
}
