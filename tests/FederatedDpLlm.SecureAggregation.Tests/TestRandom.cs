using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.SecureAggregation.Tests;

/// <summary>SHA-256 in counter mode from a seed: the same bytes in every run.</summary>
internal sealed class TestRandom(long seed) : ISecureRandom
{
    private long _counter;

    public void Fill(Span<byte> destination)
    {
        Span<byte> input = stackalloc byte[16];
        Span<byte> block = stackalloc byte[32];
        while (!destination.IsEmpty)
        {
            BinaryPrimitives.WriteInt64LittleEndian(input, seed);
            BinaryPrimitives.WriteInt64LittleEndian(input[8..], _counter++);
            SHA256.HashData(input, block);
            var taken = Math.Min(32, destination.Length);
            block[..taken].CopyTo(destination);
            destination = destination[taken..];
        }
    }

    public int Below(int bound)
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return (int)(BinaryPrimitives.ReadUInt64LittleEndian(bytes) % (ulong)bound);
    }
}
