using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>A permutation that follows from a public seed: sorting by the hash of (seed, member) is uniform in the random-oracle model and needs no rejection.</summary>
internal static class PublicPermutation
{
    public static int[] Of(ReadOnlySpan<int> members, ReadOnlySpan<byte> seed)
    {
        var keys = new byte[members.Length][];
        Span<byte> input = stackalloc byte[36];
        seed.CopyTo(input);
        for (var i = 0; i < members.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(input[32..], members[i]);
            keys[i] = SHA256.HashData(input);
        }

        var order = members.ToArray();
        Array.Sort(keys, order, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)));
        return order;
    }
}
