using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The masking of an update: its own mask, and one with every neighbour that dealt, added by the lower number and subtracted by the higher.</summary>
internal static class UploadStep
{
    public static byte[] Mask(ClientMemory memory, ReadOnlyMemory<int> values, RoundParameters parameters, int workers)
    {
        using var masks = new MaskSet();
        Span<byte> selfKey = stackalloc byte[CounterKeystream.KeySizeBytes];
        MaskSeed.SelfMaskKey(memory.SelfMask, parameters.Digest, memory.Self, selfKey);
        masks.Add(selfKey, subtract: false);
        CryptographicOperations.ZeroMemory(selfKey);
        foreach (var (other, key) in memory.EdgeKeys.Where(edge => memory.Held.ContainsKey(edge.Key)))
        {
            masks.Add(key, subtract: memory.Self > other);
        }

        var format = LaneFormat.For(parameters.SumBits);
        var payload = GC.AllocateUninitializedArray<byte>(checked(values.Length * format.SizeBytes));
        masks.Seal(values, parameters.ValueBits, format, payload, workers);
        return payload;
    }
}
