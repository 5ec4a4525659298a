using System.Net.Sockets;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// A socket's stream whose reader watches for bytes for a moment before it goes to sleep in the socket: while a model decodes over shards the next frame comes
/// within some tens of microseconds, and to be woken up takes as long again, or much longer.
/// </summary>
internal sealed class WatchfulStream(Socket socket, TimeProvider clock) : NetworkStream(socket, ownsSocket: true)
{
    // Longer than the next token's beginning takes, and than it takes to wake a processor that has gone to sleep with its thread, which is up to half a millisecond.
    private static readonly TimeSpan WatchFor = TimeSpan.FromMilliseconds(2);

    // With a single processor the peer cannot answer while this thread watches.
    private static readonly bool Watches = Environment.ProcessorCount > 1;

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            var started = clock.GetTimestamp();
            while (Watches && Socket.Available == 0 && clock.GetElapsedTime(started) < WatchFor)
            {
                // Whoever else wants this processor goes first: the thread that brings the next token, another shard on the same machine.
                Thread.SpinWait(4);
                Thread.Yield();
            }

            return Socket.Receive(buffer, SocketFlags.None);
        }
        catch (SocketException error)
        {
            throw new IOException($"The link broke: {error.SocketErrorCode}.", error);
        }
    }
}
