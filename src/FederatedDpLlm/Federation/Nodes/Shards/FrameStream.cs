using System.Net.Sockets;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// Whole frames over a stream, by blocking reads and writes: a tensor-parallel token waits for some sixty replies one after the other, and a thread that sleeps
/// in the socket wakes up sooner than a completion that has to find one. One reader and one writer at a time.
/// </summary>
internal sealed class FrameStream(Stream stream, Socket? socket, TimeProvider clock) : IDisposable
{
    // A length is a claim: memory grows with what has really arrived.
    private const int FirstBytes = 256 * 1024;
    private readonly byte[] _header = new byte[FrameHeader.SizeBytes];
    private byte[] _payload = new byte[4096];
    private byte[] _outgoing = new byte[4096];

    /// <summary>Waits for the next frame.</summary>
    /// <param name="frameWithin">How long a frame may take from its first byte to its last.</param>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Valid until the next call.</param>
    /// <returns>False where the peer has closed the link between two frames.</returns>
    /// <exception cref="ShardProtocolException">The bytes are no frame, or end within one, or come too slowly.</exception>
    /// <exception cref="IOException">The link broke.</exception>
    public bool TryRead(TimeSpan frameWithin, out FrameHeader header, out ReadOnlyMemory<byte> payload)
    {
        (header, payload) = (default, default);
        var first = stream.Read(_header, 0, _header.Length);
        if (first == 0)
        {
            return false;
        }

        var started = clock.GetTimestamp();
        Fill(_header, first, _header.Length, started, frameWithin);
        header = FrameHeader.Read(_header);
        for (var read = 0; read < header.PayloadBytes;)
        {
            var room = Math.Min(header.PayloadBytes, Math.Max(FirstBytes, 2 * read));
            if (_payload.Length < room)
            {
                Array.Resize(ref _payload, room);
            }

            Fill(_payload, read, room, started, frameWithin);
            read = room;
        }

        payload = _payload.AsMemory(0, header.PayloadBytes);
        return true;
    }

    /// <summary>Sends one frame in one write.</summary>
    /// <exception cref="IOException">The link broke, or the peer does not take the bytes in the socket's send time.</exception>
    public void Write(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var size = FrameHeader.SizeBytes + payload.Length;
        if (_outgoing.Length < size)
        {
            _outgoing = new byte[Math.Max(size, 2 * _outgoing.Length)];
        }

        (header with { PayloadBytes = payload.Length }).Write(_outgoing);
        payload.CopyTo(_outgoing.AsSpan(FrameHeader.SizeBytes));
        stream.Write(_outgoing, 0, size);
    }

    public void Dispose() => stream.Dispose();

    private void Fill(byte[] buffer, int from, int end, long started, TimeSpan within)
    {
        // Between frames a peer may be silent, within one it may not: the rest is waited for no longer than a frame may take.
        if (from == end)
        {
            return;
        }

        var patience = socket?.ReceiveTimeout ?? 0;
        if (socket is not null)
        {
            socket.ReceiveTimeout = (int)within.TotalMilliseconds;
        }

        while (from < end)
        {
            var count = stream.Read(buffer, from, end - from);
            if (count == 0)
            {
                throw new ShardProtocolException("The link ended within a frame.");
            }

            from += count;
            if (from < end && clock.GetElapsedTime(started) > within)
            {
                throw new ShardProtocolException($"A frame takes longer than {within.TotalSeconds} s.");
            }
        }

        if (socket is not null)
        {
            socket.ReceiveTimeout = patience;
        }
    }
}
