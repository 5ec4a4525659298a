using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>Draws of a public answer that can be made again: a counter under a key made from the asker's seed. Nothing is protected by them; noise never comes from here.</summary>
internal static class SeededDraws
{
    /// <summary>The seed's draws, or fresh ones where there is no seed.</summary>
    public static ISecureRandom Of(GenerationOptions options, ISecureRandom fresh)
    {
        if (options.Seed is not { } seed)
        {
            return fresh;
        }

        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, seed);
        return new AesCounterRandom(SHA256.HashData(bytes));
    }
}
