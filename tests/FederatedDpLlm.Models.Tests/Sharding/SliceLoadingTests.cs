using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Sharding;

/// <summary>A shard asks its file for what it was given, and keeps no more of it.</summary>
public sealed class SliceLoadingTests
{
    private static readonly ModelConfiguration Shape = RandomModel.Shape with { Width = 64, Layers = 4, Heads = 8, KeyValueHeads = 8, HeadSize = 32, FeedForwardWidth = 256 };

    [Theory]
    [InlineData(ElementType.Float32, ShardStrategy.Layer), InlineData(ElementType.Float32, ShardStrategy.Attention), InlineData(ElementType.Float32, ShardStrategy.Tensor)]
    [InlineData(ElementType.Float32, ShardStrategy.TensorPipeline), InlineData(ElementType.Q8_0, ShardStrategy.Layer), InlineData(ElementType.Q8_0, ShardStrategy.Tensor)]
    public void A_shard_reads_each_tensor_of_its_own_parts_once_and_no_other_and_keeps_its_slices_only(ElementType type, ShardStrategy strategy)
    {
        var model = new ShardedRandomModel(Shape, type);
        var plan = new ShardPlanner(Shape, model.Model.Manifest.Root, TrustZones.Only("home")).Plan(1, strategy, BitEqualityTests.Nodes(4));
        foreach (var assignment in plan.Shards)
        {
            var source = new CountingTensors(new QuantizedTensors(RandomModel.Weights(Shape), type));
            var weights = new ShardWeights(Shape, source, model.Model.Manifest, assignment);

            Assert.Equal(Own(assignment).Order(StringComparer.Ordinal), source.Reads.Keys.Order(StringComparer.Ordinal));
            Assert.All(source.Reads.Values, reads => Assert.Equal(1, reads));
            Assert.True(source.StoredRows.All(rows => rows.Value <= Rows(assignment, rows.Key)), "Rows of another shard's slices are kept as they are stored.");
            for (var layer = 0; layer < Shape.Layers; layer++)
            {
                Assert.Equal(Shape.Heads * assignment.Slices(layer, LayerPart.Attention).Length / Shape.AttentionSlices, weights.Attention(layer).Sum(node => node.Shape.Heads));
                Assert.Equal(Shape.FeedForwardWidth * assignment.Slices(layer, LayerPart.FeedForward).Length / Shape.FeedForwardSlices, weights.FeedForward(layer).Sum(node => node.Shape.FeedForwardWidth));
            }
        }
    }

    private static IEnumerable<string> Own(ShardAssignment assignment) => assignment.Layers.SelectMany(held => (string[])
    [
        .. held.Attention.Length == 0
            ? Array.Empty<string>()
            : [TensorNames.AttentionNorm(held.Layer), TensorNames.Query(held.Layer), TensorNames.Key(held.Layer), TensorNames.Value(held.Layer), TensorNames.Output(held.Layer)],
        .. held.FeedForward.Length == 0
            ? Array.Empty<string>()
            : [TensorNames.FeedForwardNorm(held.Layer), TensorNames.Gate(held.Layer), TensorNames.Up(held.Layer), TensorNames.Down(held.Layer)],
    ]);

    // A shard's rows of a tensor that is cut by rows; all of one that is cut by columns, once for each of its nodes of the reduction tree.
    private static int Rows(ShardAssignment assignment, string name)
    {
        var held = assignment.Layers.Single(layer => name.Contains($"layers.{layer.Layer}.", StringComparison.Ordinal));
        var (attention, inner) = (Shape.QueryWidth * held.Attention.Length / Shape.AttentionSlices, Shape.FeedForwardWidth * held.FeedForward.Length / Shape.FeedForwardSlices);
        return name switch
        {
            _ when name == TensorNames.Output(held.Layer) => Shape.Width * held.Attention.Nodes(Shape.AttentionSlices).Count(),
            _ when name == TensorNames.Down(held.Layer) => Shape.Width * held.FeedForward.Nodes(Shape.FeedForwardSlices).Count(),
            _ when name == TensorNames.Gate(held.Layer) || name == TensorNames.Up(held.Layer) => inner,
            _ => attention,
        };
    }

    /// <summary>Counts what is read of it.</summary>
    private sealed class CountingTensors(ITensorSource inner) : ITensorSource
    {
        public Dictionary<string, int> Reads { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, int> StoredRows { get; } = new(StringComparer.Ordinal);

        public bool Contains(string name) => inner.Contains(name);

        public ElementType TypeOf(string name) => inner.TypeOf(name);

        public void Read(string name, int rows, int columns, Span<float> destination)
        {
            Reads[name] = Reads.GetValueOrDefault(name) + 1;
            inner.Read(name, rows, columns, destination);
        }

        public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination)
        {
            StoredRows[name] = StoredRows.GetValueOrDefault(name) + destination.Length / (int)inner.TypeOf(name).RowBytes(columns);
            inner.ReadStored(name, rows, columns, firstRow, destination);
        }
    }
}
