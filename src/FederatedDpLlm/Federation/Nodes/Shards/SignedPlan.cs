using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// A plan with its coordinator's signature (ECDSA P-256 over SHA-256, by the key of its link certificate), the assignment that is meant, and the manifest's hashes:
/// what a shard is sent to load.
/// </summary>
internal sealed record SignedPlan(ShardPlan Plan, int Assignment, ReadOnlyMemory<byte> ManifestHashes)
{
    private const int LongestName = 128;
    private const int LargestSize = 1 << 20;
    private const int LargestManifestBytes = 16 * 1024 * 1024;
    private const int LongestSignatureBytes = 128;

    public static byte[] Write(ShardPlan plan, int assignment, ShardManifest manifest, X509Certificate2 signer)
    {
        var encoded = Encode(plan);
        using var key = signer.GetECDsaPrivateKey() ?? throw new CryptographicException("The coordinator's certificate has no ECDSA key.");
        var signature = key.SignData(encoded, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        var writer = new WireWriter();
        writer.Int32(encoded.Length).Bytes(encoded).Int32(signature.Length).Bytes(signature);
        writer.Int32(assignment).Int32(manifest.Hashes.Length).Bytes(manifest.Hashes.Span);
        return writer.Written.ToArray();
    }

    /// <exception cref="ShardProtocolException">The payload is no signed plan.</exception>
    /// <exception cref="ShardRefusedException">The signature is not the coordinator's.</exception>
    public static SignedPlan Read(ReadOnlySpan<byte> payload, X509Certificate2 coordinator)
    {
        var reader = new WireReader(payload);
        var encoded = reader.Bytes(reader.Count(payload.Length));
        var signature = reader.Bytes(reader.Count(LongestSignatureBytes));
        using var key = coordinator.GetECDsaPublicKey();
        if (key is null || !key.VerifyData(encoded, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence))
        {
            throw new ShardRefusedException(ShardRefusal.Untrusted, "The plan is not signed by the coordinator that sends it.");
        }

        var plan = Decode(encoded);
        var assignment = reader.Count(plan.Shards.Count - 1);
        var hashes = reader.Bytes(reader.Count(LargestManifestBytes)).ToArray();
        reader.End();
        return new SignedPlan(plan, assignment, hashes);
    }

    internal static byte[] Encode(ShardPlan plan)
    {
        var writer = new WireWriter();
        var root = new byte[ManifestRoot.SizeBytes];
        plan.Manifest.CopyTo(root);
        writer.Int64(plan.Epoch).Byte((byte)plan.Strategy).Bytes(root).Text(plan.Home.Zone).Int32(plan.Home.FirstLayers).Int32(plan.Shards.Count);
        foreach (var shard in plan.Shards)
        {
            writer.Text(shard.Node).Text(shard.Zone).Int32(shard.Layers.Count);
            foreach (var layer in shard.Layers)
            {
                writer.Int32(layer.Layer).Int32(layer.Attention.First).Int32(layer.Attention.End).Int32(layer.FeedForward.First).Int32(layer.FeedForward.End);
            }
        }

        return writer.Written.ToArray();
    }

    internal static ShardPlan Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new WireReader(encoded);
        var (epoch, strategy) = (reader.Int64(), (ShardStrategy)reader.Byte());
        if (!Enum.IsDefined(strategy))
        {
            throw new ShardProtocolException("There is no such strategy.");
        }

        var root = new ManifestRoot(reader.Bytes(ManifestRoot.SizeBytes));
        var home = new HomeEdges(reader.Text(LongestName), reader.Count(LargestSize));
        var shards = new ShardAssignment[reader.Count(ShardPlan.MostShards)];
        for (var index = 0; index < shards.Length; index++)
        {
            var (node, zone) = (reader.Text(LongestName), reader.Text(LongestName));
            // Five numbers a layer: a count that the payload cannot hold is a lie.
            var layers = new LayerSlices[reader.Count(reader.Left / (5 * sizeof(int)))];
            for (var layer = 0; layer < layers.Length; layer++)
            {
                layers[layer] = new LayerSlices(
                    reader.Count(LargestSize), new SliceRun(reader.Count(LargestSize), reader.Count(LargestSize)), new SliceRun(reader.Count(LargestSize), reader.Count(LargestSize)));
            }

            shards[index] = new ShardAssignment(node, zone, layers);
        }

        reader.End();
        return shards.Length > 0 ? new ShardPlan(epoch, strategy, root, shards, home) : throw new ShardProtocolException("A plan has no shards.");
    }
}
