using System.Buffers.Binary;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// The randomness of each step as a stream of its own, derived from one secret of the training (HKDF, RFC 5869; then AES-256 in counter mode). A step that is
/// done again after a crash draws the same subset and the same noise, so that nothing is ever released twice with different noise.
/// </summary>
internal sealed class StepRandomness
{
    public const int SecretSizeBytes = 32;
    private readonly byte[] _secret;

    /// <param name="secret">32 bytes of a cryptographic source; whoever knows them can take the noise off.</param>
    public StepRandomness(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, SecretSizeBytes);
        _secret = secret.ToArray();
    }

    public static StepRandomness Fresh(ISecureRandom random)
    {
        Span<byte> secret = stackalloc byte[SecretSizeBytes];
        random.Fill(secret);
        var fresh = new StepRandomness(secret);
        CryptographicOperations.ZeroMemory(secret);
        return fresh;
    }

    public AesCounterRandom Of(int step)
    {
        Span<byte> info = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(info, step);
        Span<byte> key = stackalloc byte[AesCounterRandom.KeySizeBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, key, salt: "private training step"u8, info);
        var stream = new AesCounterRandom(key);
        CryptographicOperations.ZeroMemory(key);
        return stream;
    }

    /// <summary>For the checkpoint, which only its owner may read.</summary>
    public ReadOnlySpan<byte> Secret => _secret;
}
