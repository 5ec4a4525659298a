using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// SHA-256 of every canonical slice of every layer, as values and their type, whatever the file. A shard that loads some slices from its own copy of the model proves
/// them against these, so that no two shards of a request can hold different models.
/// </summary>
public sealed class ShardManifest
{
    private readonly byte[] _hashes;

    private ShardManifest(ModelConfiguration shape, byte[] hashes)
    {
        (Shape, _hashes) = (shape, hashes);
        Root = new ManifestRoot(SHA256.HashData([.. Arithmetic(shape), .. hashes]));
    }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Shape { get; }

    /// <summary>SHA-256 over the shape and all slices' hashes.</summary>
    public ManifestRoot Root { get; }

    /// <summary>The slices' hashes, 32 bytes each: layer by layer, the attention's slices before the feed-forward part's.</summary>
    public ReadOnlyMemory<byte> Hashes => _hashes;

    /// <summary>Takes hashes that were sent.</summary>
    /// <exception cref="ShardPlanException">Their number does not fit the shape.</exception>
    public static ShardManifest Parse(ModelConfiguration shape, ReadOnlySpan<byte> hashes)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return hashes.Length == SizeBytes(shape)
            ? new ShardManifest(shape, hashes.ToArray())
            : throw new ShardPlanException($"The manifest has {hashes.Length} bytes, the model's shape asks for {SizeBytes(shape)}.");
    }

    internal static ShardManifest Of(ModelConfiguration shape, ITensorSource source)
    {
        var hashes = new byte[SizeBytes(shape)];
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            var tensors = new LayerTensors(shape, source, layer);
            foreach (var part in Enum.GetValues<LayerPart>())
            {
                for (var slice = 0; slice < shape.Slices(part); slice++)
                {
                    HashOf(shape, tensors, layer, part, slice).CopyTo(hashes.AsSpan(Place(shape, layer, part, slice)));
                }
            }
        }

        return new ShardManifest(shape, hashes);
    }

    /// <exception cref="ShardRefusedException">A slice of the run has other values than the manifest's.</exception>
    internal void Verify(LayerTensors tensors, int layer, LayerPart part, SliceRun run)
    {
        for (var slice = run.First; slice < run.End; slice++)
        {
            if (!HashOf(Shape, tensors, layer, part, slice).AsSpan().SequenceEqual(_hashes.AsSpan(Place(Shape, layer, part, slice), ManifestRoot.SizeBytes)))
            {
                throw new ShardRefusedException(
                    ShardRefusal.Weights, $"The local weights are another model's: layer {layer}, {part} slice {slice} does not have the manifest's hash.");
            }
        }
    }

    // Everything besides the weights that decides a layer's bits.
    private static byte[] Arithmetic(ModelConfiguration shape)
    {
        var scaling = shape.RotaryScaling;
        double[] numbers =
        [
            shape.Width, shape.FeedForwardWidth, shape.Layers, shape.Heads, shape.KeyValueHeads, shape.HeadSize, shape.Context, shape.AttentionSlices, shape.FeedForwardSlices,
            shape.AttentionBias ? 1 : 0, shape.QueryKeyNorm ? 1 : 0, shape.NormEpsilon, shape.RotaryTheta,
            (int)scaling.Kind, scaling.Factor, scaling.LowFrequencyFactor, scaling.HighFrequencyFactor, scaling.OriginalContext,
        ];
        var bytes = new byte[sizeof(double) * numbers.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(i * sizeof(double)), numbers[i]);
        }

        return bytes;
    }

    private static int SizeBytes(ModelConfiguration shape) =>
        checked(shape.Layers * (shape.AttentionSlices + shape.FeedForwardSlices) * ManifestRoot.SizeBytes);

    private static int Place(ModelConfiguration shape, int layer, LayerPart part, int slice) => ManifestRoot.SizeBytes
        * (layer * (shape.AttentionSlices + shape.FeedForwardSlices) + (part == LayerPart.Attention ? slice : shape.AttentionSlices + slice));

    private static byte[] HashOf(ModelConfiguration shape, LayerTensors tensors, int layer, LayerPart part, int slice)
    {
        var run = new SliceRun(slice, slice + 1);
        var window = tensors.Window(part, run);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in TensorShape.OfLayer(LayerTensors.Thin(shape, part, run), layer).Where(tensor => window.Contains(tensor.Name)))
        {
            var values = new float[tensor.Elements];
            window.Read(tensor.Name, tensor.Rows, tensor.Columns, values);
            // The type decides the arithmetic: quantised weights meet quantised inputs.
            hash.AppendData([(byte)window.TypeOf(tensor.Name)]);
            hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
        }

        return hash.GetHashAndReset();
    }
}
