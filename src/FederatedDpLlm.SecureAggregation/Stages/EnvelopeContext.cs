using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using NSec.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What an envelope's key and authentication are bound to: the round, the parties, the advertisements and the dealer's commitments.</summary>
/// <param name="Parameters">The round.</param>
/// <param name="Advertisements">The digest of the advertisements.</param>
/// <param name="Binding">The digest of the advertisements and the commitments.</param>
/// <param name="From">The dealer.</param>
/// <param name="To">The holder.</param>
internal sealed record EnvelopeContext(RoundParameters Parameters, byte[] Advertisements, byte[] Binding, int From, int To)
{
    public Key DeriveKey(ReadOnlySpan<byte> channelSecret)
    {
        Span<byte> key = stackalloc byte[32];
        KeyDerivation.Derive(channelSecret, Advertisements, "share envelope"u8, Parameters.Digest, From, To, key);
        var imported = Key.Import(AeadAlgorithm.ChaCha20Poly1305, key, KeyBlobFormat.RawSymmetricKey);
        CryptographicOperations.ZeroMemory(key);
        return imported;
    }

    public byte[] AssociatedData(ReadOnlySpan<byte> ciphertexts)
    {
        var data = new byte[32 + 32 + 8 + 32];
        Parameters.Digest.CopyTo(data);
        Binding.CopyTo(data, 32);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(64), From);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(68), To);
        SHA256.HashData(ciphertexts, data.AsSpan(72));
        return data;
    }
}
