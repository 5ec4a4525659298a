using System.Runtime.InteropServices;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// A key's keystream as 64-bit words, cut into regions: region r begins at cipher block r * 2^24, and whoever has to draw again finds fresh words in the
/// region's second half. AES-128 in counter mode as in <see cref="CounterKeystream"/>; FrodoKEM expands its public matrix the same way.
/// </summary>
internal sealed class KeystreamWords(ReadOnlySpan<byte> key) : IDisposable
{
    private const int RegionBits = 24;
    private const ulong Again = 1UL << (RegionBits - 1);
    private readonly CounterKeystream _stream = new(key);

    /// <summary>A key of its own for every purpose and party of a round.</summary>
    public static KeystreamWords Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> context, int from, int to)
    {
        Span<byte> key = stackalloc byte[CounterKeystream.KeySizeBytes];
        KeyDerivation.Derive(secret, salt, purpose, context, from, to, key);
        var words = new KeystreamWords(key);
        key.Clear();
        return words;
    }

    /// <summary>The words of a region from <paramref name="firstWord"/> (an even number) on.</summary>
    public void Fill(Span<ulong> words, int region, int firstWord = 0)
    {
        words.Clear();
        _stream.AddTo(MemoryMarshal.Cast<ulong, uint>(words), ((ulong)region << RegionBits) + (ulong)(firstWord / 2));
    }

    /// <summary>A word drawn again for the word at <paramref name="index"/>, for at most 64 attempts.</summary>
    public ulong DrawAgain(int region, int index, int attempt = 0)
    {
        Span<uint> word = stackalloc uint[2];
        word.Clear();
        _stream.AddTo(word, ((ulong)region << RegionBits) + Again + ((ulong)(attempt & 63) << 17) + (ulong)index);
        return word[0] | ((ulong)word[1] << 32);
    }

    public void Dispose() => _stream.Dispose();
}
