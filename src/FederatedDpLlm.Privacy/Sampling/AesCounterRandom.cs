using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// A stream of bytes that only who holds the key can tell from uniform ones, and that is the same again from the same key: for noise that several parties must be able to
/// reproduce, and for tests. For everything else there is <see cref="SecureRandom"/>.
/// </summary>
/// <remarks>
/// References: FIPS 197; NIST SP 800-38A, section 6.5. Parameters: AES-256, 32-byte key used for one stream; a 128-bit big-endian counter from 0. Whole cipher blocks are used: the end of a call drops the
/// rest of its last block. Not for concurrent use: the order of calls is the stream's meaning.
/// </remarks>
public sealed class AesCounterRandom : ISecureRandom, IDisposable
{
    /// <summary>The length of a key.</summary>
    public const int KeySizeBytes = 32;

    private const int BlockSizeBytes = 16;
    private readonly Aes _cipher = Aes.Create();
    private UInt128 _counter;

    /// <param name="key">32 secret, uniform bytes.</param>
    public AesCounterRandom(ReadOnlySpan<byte> key)
        : this(key, 0)
    {
    }

    internal AesCounterRandom(ReadOnlySpan<byte> key, UInt128 firstCounter)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySizeBytes, nameof(key));
        _cipher.SetKey(key);
        _counter = firstCounter;
    }

    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        var whole = destination[..(destination.Length / BlockSizeBytes * BlockSizeBytes)];
        Keystream(whole);
        if (whole.Length < destination.Length)
        {
            Span<byte> last = stackalloc byte[BlockSizeBytes];
            Keystream(last);
            last[..(destination.Length - whole.Length)].CopyTo(destination[whole.Length..]);
            CryptographicOperations.ZeroMemory(last);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();

    // Counter blocks in, keystream out: the bare block cipher is all that ECB means here.
    private void Keystream(Span<byte> blocks)
    {
        for (var at = 0; at < blocks.Length; at += BlockSizeBytes)
        {
            BinaryPrimitives.WriteUInt128BigEndian(blocks[at..], _counter++);
        }

        if (!blocks.IsEmpty)
        {
            _cipher.EncryptEcb(blocks, blocks, PaddingMode.None);
        }
    }
}
