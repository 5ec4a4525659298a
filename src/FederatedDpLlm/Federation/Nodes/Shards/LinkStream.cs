using System.Net.Sockets;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// A shard link's socket. A reader looks for some microseconds before it sleeps: a token that is cut by tensors waits for some sixty replies that each come within about as long as
/// waking up takes.
/// </summary>
internal sealed class LinkStream(Socket socket, TimeProvider clock) : NetworkStream(socket, ownsSocket: true)
{
    private static readonly TimeSpan LookFor = TimeSpan.FromMicroseconds(50);

    public override int Read(Span<byte> buffer)
    {
        var started = clock.GetTimestamp();
        while (Socket.Available == 0 && clock.GetElapsedTime(started) < LookFor)
        {
            Thread.SpinWait(16);
        }

        try
        {
            return Socket.Receive(buffer);
        }
        catch (SocketException broken)
        {
            throw new IOException(broken.Message, broken);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
}
