using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>
/// The secret from which a client's mask key pair and the coins of its encapsulations follow. Whoever restores it from shares can compute every mask
/// that the client has in common with a neighbour, whichever side encapsulated; the channel key that protects shares is independent of it.
/// </summary>
internal sealed class MaskSeed : IDisposable
{
    private readonly Scalar _seed;
    private readonly byte[] _context;
    private readonly int _client;
    private readonly HybridKeyPair _keyPair;

    public MaskSeed(in Scalar seed, ReadOnlySpan<byte> context, int client)
    {
        _seed = seed;
        _context = context.ToArray();
        _client = client;
        Span<byte> keySeed = stackalloc byte[HybridKeyPair.SeedSizeBytes];
        KeyDerivation.Derive(seed, [], "mask key pair"u8, context, client, -1, keySeed);
        _keyPair = new HybridKeyPair(keySeed);
        CryptographicOperations.ZeroMemory(keySeed);
    }

    public byte[] PublicKey => _keyPair.PublicKey;

    /// <summary>The lower number of a pair encapsulates, deterministically. False where the other's public key is malformed.</summary>
    public bool TryEncapsulate(int other, ReadOnlySpan<byte> otherPublicKey, ReadOnlySpan<byte> advertisements, Span<byte> ciphertext, Span<byte> edgeKey)
    {
        Span<byte> coins = stackalloc byte[HybridKeyPair.CoinsSizeBytes];
        Span<byte> shared = stackalloc byte[HybridKeyPair.SharedSecretSizeBytes];
        KeyDerivation.Derive(_seed, advertisements, "mask coins"u8, _context, _client, other, coins);
        var done = HybridKeyPair.TryEncapsulate(otherPublicKey, coins, ciphertext, shared);
        EdgeKey(shared, advertisements, _client, other, edgeKey);
        CryptographicOperations.ZeroMemory(coins);
        CryptographicOperations.ZeroMemory(shared);
        return done;
    }

    /// <summary>The higher number of a pair decapsulates.</summary>
    public bool TryDecapsulate(int other, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> advertisements, Span<byte> edgeKey)
    {
        Span<byte> shared = stackalloc byte[HybridKeyPair.SharedSecretSizeBytes];
        var done = _keyPair.TryDecapsulate(ciphertext, shared);
        EdgeKey(shared, advertisements, other, _client, edgeKey);
        CryptographicOperations.ZeroMemory(shared);
        return done;
    }

    /// <summary>The key of the mask that a client adds for itself alone.</summary>
    public static void SelfMaskKey(in Scalar selfMask, ReadOnlySpan<byte> context, int client, Span<byte> key) =>
        KeyDerivation.Derive(selfMask, [], "self mask"u8, context, client, client, key);

    public void Dispose() => _keyPair.Dispose();

    private void EdgeKey(ReadOnlySpan<byte> shared, ReadOnlySpan<byte> advertisements, int lower, int higher, Span<byte> key) =>
        KeyDerivation.Derive(shared, advertisements, "pairwise mask"u8, _context, lower, higher, key[..CounterKeystream.KeySizeBytes]);
}
