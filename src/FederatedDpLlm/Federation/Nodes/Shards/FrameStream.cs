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
    private byte[] _incoming = new byte[16 * 1024];
    private byte[] _outgoing = new byte[4096];
    private int _taken;
    private int _arrived;

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
        _incoming.AsSpan(_taken, _arrived - _taken).CopyTo(_incoming);
        (_arrived, _taken) = (_arrived - _taken, 0);

        // A whole small frame comes with the first read: nothing has to be limited then.
        if (_arrived == 0 && (_arrived = stream.Read(_incoming, 0, _incoming.Length)) == 0)
        {
            return false;
        }

        var started = clock.GetTimestamp();
        Await(FrameHeader.SizeBytes, started, frameWithin);
        header = FrameHeader.Read(_incoming);
        _taken = FrameHeader.SizeBytes + header.PayloadBytes;
        Await(_taken, started, frameWithin);
        payload = _incoming.AsMemory(FrameHeader.SizeBytes, header.PayloadBytes);
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

    // Between frames a peer may be silent, within one it may not: the rest is waited for no longer than a frame may take.
    private void Await(int bytes, long started, TimeSpan within)
    {
        if (_arrived >= bytes)
        {
            return;
        }

        var patience = socket?.ReceiveTimeout ?? 0;
        if (socket is not null)
        {
            socket.ReceiveTimeout = (int)within.TotalMilliseconds;
        }

        while (_arrived < bytes)
        {
            if (_arrived == _incoming.Length)
            {
                Array.Resize(ref _incoming, Math.Min(bytes, Math.Max(FirstBytes, 2 * _arrived)));
            }

            var count = stream.Read(_incoming, _arrived, _incoming.Length - _arrived);
            if (count == 0)
            {
                throw new ShardProtocolException("The link ended within a frame.");
            }

            _arrived += count;
            if (_arrived < bytes && clock.GetElapsedTime(started) > within)
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
