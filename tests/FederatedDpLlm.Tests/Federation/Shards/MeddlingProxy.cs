using System.Net;
using System.Net.Sockets;

namespace FederatedDpLlm.Tests.Federation.Shards;

internal enum Meddling
{
    None,

    /// <summary>Nothing passes any more; both ends stay open.</summary>
    HalfOpen,

    /// <summary>One byte every 100 ms.</summary>
    Slow,

    /// <summary>A bit of every packet is flipped.</summary>
    Corrupt,

    /// <summary>Both ends are reset.</summary>
    Reset,
}

/// <summary>A network between coordinator and shard that can turn bad.</summary>
internal sealed class MeddlingProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly List<Socket> _sockets = [];

    public MeddlingProxy(IPEndPoint target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public volatile Meddling Meddling;

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public void Dispose()
    {
        _listener.Stop();
        lock (_sockets)
        {
            _sockets.ForEach(socket => socket.Dispose());
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync();
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                await far.ConnectAsync(_target);
                lock (_sockets)
                {
                    _sockets.AddRange([near, far]);
                }

                _ = PumpAsync(near, far);
                _ = PumpAsync(far, near);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[65536];
        try
        {
            for (int count; (count = await from.ReceiveAsync(buffer)) > 0;)
            {
                if (Meddling == Meddling.Reset)
                {
                    (from.LingerState, to.LingerState) = (new LingerOption(true, 0), new LingerOption(true, 0));
                    from.Dispose();
                    to.Dispose();
                    return;
                }

                if (Meddling == Meddling.Corrupt)
                {
                    buffer[count / 2] ^= 0x10;
                }

                for (var sent = 0; sent < count && Meddling != Meddling.HalfOpen;)
                {
                    var size = Meddling == Meddling.Slow ? 1 : count - sent;
                    await to.SendAsync(buffer.AsMemory(sent, size));
                    sent += size;
                    await Task.Delay(Meddling == Meddling.Slow ? 100 : 0);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // An end is gone.
        }
    }
}
