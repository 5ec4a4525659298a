using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// Lends this node to a hospital's coordinator as a shard: TLS 1.3 with mutual certificates, one thread a connection. What it loads belongs to the connection and
/// goes with it.
/// </summary>
public sealed partial class ShardHost : IDisposable
{
    private readonly ShardHostOptions _options;
    private readonly PeerCredentials _credentials;
    private readonly TimeProvider _clock;
    private readonly ILogger<ShardHost> _log;
    private readonly Socket _listener;
    private readonly Lazy<double> _layersPerSecond;
    private readonly Lock _gate = new();
    private readonly HashSet<Socket> _connections = [];
    private bool _disposed;

    private ShardHost(ShardHostOptions options, PeerCredentials credentials, TimeProvider clock, ILogger<ShardHost> log, Socket listener)
    {
        (_options, _credentials, _clock, _log, _listener) = (options, credentials, clock, log, listener);
        _layersPerSecond = new Lazy<double>(() => ShardSpeed.LayersPerSecond(options.Model, options.Threads, clock));
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Begins to listen.</summary>
    /// <exception cref="SocketException">The address is taken or not this machine's.</exception>
    public static ShardHost Start(IPEndPoint address, ShardHostOptions options, PeerCredentials credentials, TimeProvider clock, ILogger<ShardHost> log)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(address);
            listener.Listen();
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        var host = new ShardHost(options, credentials, clock, log, listener);
        new Thread(host.Accept) { IsBackground = true, Name = "shard listener" }.Start();
        return host;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _listener.Dispose();
            foreach (var connection in _connections)
            {
                connection.Dispose();
            }
        }
    }

    private void Accept()
    {
        while (true)
        {
            try
            {
                var socket = _listener.Accept();
                if (Admit(socket))
                {
                    new Thread(() => Serve(socket)) { IsBackground = true, Name = "shard link" }.Start();
                }
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                lock (_gate)
                {
                    if (_disposed)
                    {
                        return;
                    }
                }
            }
        }
    }

    private bool Admit(Socket socket)
    {
        lock (_gate)
        {
            if (!_disposed && _connections.Count < _options.MostConnections && _connections.Add(socket))
            {
                return true;
            }
        }

        socket.Dispose();
        return false;
    }

    private void Serve(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            using var tls = Authenticate(socket);
            LogLinked(_log, _options.Node);
            using var frames = new FrameStream(tls, socket, _clock);
            using var coordinator = new X509Certificate2(tls.RemoteCertificate!);
            using var conversation = new ShardConversation(_options, coordinator, _layersPerSecond);
            while (frames.TryRead(_options.FrameWithin, out var header, out var payload))
            {
                if (conversation.Handle(header, payload.Span) is { } answer)
                {
                    frames.Write(header with { Kind = answer }, conversation.Answer);
                }
            }
        }
        catch (Exception error)
        {
            // Whatever ends a connection - the peer, the network, a fault of ours - never ends the host: on a thread of its own nobody else would catch it.
            LogClosed(_log, _options.Node, error.GetType().Name, error.Message);
        }
        finally
        {
            lock (_gate)
            {
                _connections.Remove(socket);
            }

            socket.Dispose();
        }
    }

    private SslStream Authenticate(Socket socket)
    {
        var tls = new SslStream(new WatchfulStream(socket, _clock));
        using (_clock.CreateTimer(static state => ((Socket)state!).Dispose(), socket, _options.HandshakeWithin, Timeout.InfiniteTimeSpan))
        {
            tls.AuthenticateAsServer(FederationTls.ServerOptions(_credentials, PeerIdentity.Coordinator(_options.Federation, _options.Coordinator)));
        }

        (socket.ReceiveTimeout, socket.SendTimeout) = ((int)_options.IdleWithin.TotalMilliseconds, (int)_options.FrameWithin.TotalMilliseconds);
        return tls;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Node}: a coordinator is linked.")]
    private static partial void LogLinked(ILogger logger, string node);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Node}: a link is closed: {Kind}: {Reason}")]
    private static partial void LogClosed(ILogger logger, string node, string kind, string reason);
}
