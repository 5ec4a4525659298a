using System.Net.Sockets;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// A socket's stream whose reader watches for bytes for a moment before it goes to sleep in the socket: while a model decodes over shards the next frame comes
/// within some tens of microseconds, and to be woken up takes as long again.
/// </summary>
internal sealed class WatchfulStream(Socket socket, TimeProvider clock) : NetworkStream(socket, ownsSocket: true)
{
    // Longer than a shard's part of a layer takes, too short to be noticed on a link that is silent.
    private static readonly TimeSpan WatchFor = TimeSpan.FromMicroseconds(200);

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
                Thread.SpinWait(16);
            }

            return Socket.Receive(buffer, SocketFlags.None);
        }
        catch (SocketException error)
        {
            throw new IOException($"The link broke: {error.SocketErrorCode}.", error);
        }
    }
}
