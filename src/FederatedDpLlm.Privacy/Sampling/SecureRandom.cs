using System.Security.Cryptography;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// The operating system's generator behind a 64 KiB buffer (a system call for 8 bytes costs microseconds). Bytes are wiped as they are handed out,
/// so that a later look at memory does not give the noise away. Safe for concurrent use.
/// </summary>
public sealed class SecureRandom : ISecureRandom, IDisposable
{
    private const int BufferSizeBytes = 64 * 1024;
    private readonly byte[] _buffer = new byte[BufferSizeBytes];
    private readonly Lock _gate = new();
    private int _used = BufferSizeBytes;

    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        if (destination.Length > BufferSizeBytes / 4)
        {
            RandomNumberGenerator.Fill(destination);
            return;
        }

        lock (_gate)
        {
            if (_used + destination.Length > BufferSizeBytes)
            {
                RandomNumberGenerator.Fill(_buffer);
                _used = 0;
            }

            var taken = _buffer.AsSpan(_used, destination.Length);
            taken.CopyTo(destination);
            CryptographicOperations.ZeroMemory(taken);
            _used += destination.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            CryptographicOperations.ZeroMemory(_buffer);
            _used = BufferSizeBytes;
        }
    }
}
