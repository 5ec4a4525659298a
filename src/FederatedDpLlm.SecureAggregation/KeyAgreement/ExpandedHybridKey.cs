using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Primitives;

namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>
/// An X-Wing secret key with its parts at hand: decapsulation without expanding the seed again. The same secret as libsodium's own, bit for bit.
/// References: draft-connolly-cfrg-xwing-kem, sections 5.2 (expansion), 5.3 (combiner), 5.5 (decapsulation). Primitives: libsodium and the platform's SHA-3.
/// </summary>
internal sealed class ExpandedHybridKey : IDisposable
{
    private readonly byte[] _lattice = GC.AllocateArray<byte>(2400, pinned: true);
    private readonly byte[] _curve = GC.AllocateArray<byte>(32, pinned: true);
    private readonly byte[] _curvePublic;

    public ExpandedHybridKey(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> curvePublic)
    {
        _curvePublic = curvePublic.ToArray();
        Span<byte> expanded = stackalloc byte[96];
        Shake256.HashData(seed, expanded);
        Sodium.LatticeKeyPair(new byte[1184], _lattice, expanded[..64]);
        expanded[64..].CopyTo(_curve);
        CryptographicOperations.ZeroMemory(expanded);
    }

    public static bool IsSupported => Shake256.IsSupported && SHA3_256.IsSupported;

    private static ReadOnlySpan<byte> Label => @"\.//^\"u8;

    /// <summary>False where the library's own function must decide (the curve's part is of low order).</summary>
    public bool TryDecapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> sharedSecret)
    {
        Span<byte> input = stackalloc byte[32 + 32 + 32 + 32 + 6];
        var curveCiphertext = ciphertext[Sodium.LatticeCiphertextSizeBytes..];
        var done = Sodium.LatticeDecapsulate(input[..32], ciphertext[..Sodium.LatticeCiphertextSizeBytes], _lattice)
            & Sodium.MultiplyCurve(input[32..64], _curve, curveCiphertext);
        curveCiphertext.CopyTo(input[64..]);
        _curvePublic.CopyTo(input[96..]);
        Label.CopyTo(input[128..]);
        if (done)
        {
            SHA3_256.HashData(input, sharedSecret);
        }

        CryptographicOperations.ZeroMemory(input);
        return done;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_lattice);
        CryptographicOperations.ZeroMemory(_curve);
    }
}
