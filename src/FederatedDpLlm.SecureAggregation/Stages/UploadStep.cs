using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The hiding of an update in a round's mode.</summary>
internal static class UploadStep
{
    public static byte[] Hide(ClientMemory memory, ReadOnlyMemory<int> values, RoundParameters parameters, int workers) => parameters.Mode switch
    {
        AggregationMode.Homomorphic => Encrypt(memory, values, parameters, workers),
        _ => Mask(memory, values, parameters, workers),
    };

    private static byte[] Mask(ClientMemory memory, ReadOnlyMemory<int> values, RoundParameters parameters, int workers)
    {
        using var masks = Masks(memory, parameters);
        var format = LaneFormat.For(parameters.SumBits);
        var payload = GC.AllocateUninitializedArray<byte>(checked(values.Length * format.SizeBytes));
        masks.Seal(values, parameters.ValueBits, format, payload, workers);
        return payload;
    }

    // The masked key, then the ciphertext under it.
    private static byte[] Encrypt(ClientMemory memory, ReadOnlyMemory<int> values, RoundParameters parameters, int workers)
    {
        var layout = new SlotLayout(parameters.ValueBits, parameters.Clients);
        var format = EncryptedUpdateSum.KeyFormat(parameters);
        var keySizeBytes = KeyAdditiveEncryption.KeyLength * format.SizeBytes;
        var payload = GC.AllocateUninitializedArray<byte>(checked((int)(keySizeBytes + KeyAdditiveEncryption.SizeBytes(layout, values.Length))));
        var secret = EncryptionSeeds.Secret(memory, memory.Advertisements, "update encryption"u8);
        using var encryption = new KeyAdditiveEncryption(layout, EncryptionSeeds.Public(parameters, memory.Advertisements), secret);
        CryptographicOperations.ZeroMemory(secret);
        encryption.Encrypt(values, payload.AsMemory(keySizeBytes), workers);
        var key = GC.AllocateArray<int>(KeyAdditiveEncryption.KeyLength, pinned: true);
        for (var i = 0; i < key.Length; i++)
        {
            key[i] = (int)encryption.Key[i];
        }

        using var masks = Masks(memory, parameters);
        masks.Seal(key, KeyAdditiveEncryption.KeyBits, format, payload.AsMemory(0, keySizeBytes), workers: 1);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(key.AsSpan()));
        return payload;
    }

    /// <summary>The key encrypted to the committee, then the ciphertext under it; and what the header says of the former.</summary>
    public static (byte[] Payload, byte[] KeyHash) EncryptToCommittee(ClientMemory memory, CommitteeKey key, ReadOnlyMemory<int> values, RoundParameters parameters, int workers)
    {
        var layout = new SlotLayout(parameters.ValueBits, parameters.Clients);
        var payload = GC.AllocateUninitializedArray<byte>(checked((int)(CommitteeEncryption.CiphertextSizeBytes + KeyAdditiveEncryption.SizeBytes(layout, values.Length))));
        var secret = EncryptionSeeds.Secret(memory, key.Advertisements, "update encryption"u8);
        var keySecret = EncryptionSeeds.Secret(memory, key.Advertisements, "key encryption"u8);
        using var encryption = new KeyAdditiveEncryption(layout, EncryptionSeeds.Public(parameters, key.Advertisements), secret);
        encryption.Encrypt(values, payload.AsMemory(CommitteeEncryption.CiphertextSizeBytes), workers);
        CommitteeEncryption.Encrypt(
            CommitteeKey.ParametersOf(parameters), EncryptionSeeds.CommitteePublic(parameters), key.PublicKey, encryption.Key, keySecret,
            payload.AsSpan(0, CommitteeEncryption.CiphertextSizeBytes));
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(keySecret);
        return (payload, key.Bind(CommitteeUpdateSum.SecondPart(payload)));
    }

    // A client's own mask, and one with every neighbour that dealt, added by the lower number and subtracted by the higher.
    private static MaskSet Masks(ClientMemory memory, RoundParameters parameters)
    {
        var masks = new MaskSet();
        Span<byte> selfKey = stackalloc byte[CounterKeystream.KeySizeBytes];
        MaskSeed.SelfMaskKey(memory.SelfMask, parameters.Digest, memory.Self, selfKey);
        masks.Add(selfKey, subtract: false);
        CryptographicOperations.ZeroMemory(selfKey);
        foreach (var (other, key) in memory.EdgeKeys.Where(edge => memory.Held.ContainsKey(edge.Key)))
        {
            masks.Add(key, subtract: memory.Self > other);
        }

        return masks;
    }
}
