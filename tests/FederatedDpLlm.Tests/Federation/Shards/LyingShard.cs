using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Tests.Federation.Shards;

/// <summary>A shard with a good certificate that says it has loaded everything and then answers as it likes.</summary>
internal sealed class LyingShard : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    /// <param name="credentials">The shard's.</param>
    /// <param name="lie">The bytes that it sends for a request.</param>
    /// <param name="honestAnswers">How many requests are answered with zeros of the right size before.</param>
    public LyingShard(PeerCredentials credentials, Func<FrameHeader, byte[]> lie, int honestAnswers)
    {
        _listener.Start();
        new Thread(() => Serve(credentials, lie, honestAnswers)) { IsBackground = true }.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public static byte[] Frame(FrameHeader header, FrameKind kind, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameHeader.SizeBytes + payload.Length];
        (header with { Kind = kind, PayloadBytes = payload.Length }).Write(frame);
        payload.CopyTo(frame.AsSpan(FrameHeader.SizeBytes));
        return frame;
    }

    public void Dispose() => _listener.Stop();

    private void Serve(PeerCredentials credentials, Func<FrameHeader, byte[]> lie, int honestAnswers)
    {
        try
        {
            using var socket = _listener.AcceptSocket();
            using var tls = new SslStream(new NetworkStream(socket));
            tls.AuthenticateAsServer(FederationTls.ServerOptions(credentials, PeerIdentity.Coordinator(ShardTestbed.Federation, ShardTestbed.Hospital)));
            using var frames = new FrameStream(tls, socket, TimeProvider.System);
            while (frames.TryRead(TimeSpan.FromSeconds(5), out var header, out var payload))
            {
                if (header.Kind == FrameKind.Load)
                {
                    frames.Write(header with { Kind = FrameKind.Ready }, []);
                }
                else if (header.Kind == FrameKind.Compute && honestAnswers-- > 0)
                {
                    frames.Write(header with { Kind = FrameKind.Computed }, new byte[WorkEncoding.ReadWork(payload.Span).Stream.Length * sizeof(float)]);
                }
                else if (header.Kind == FrameKind.Compute)
                {
                    tls.Write(lie(header));
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or ShardProtocolException)
        {
            // The coordinator has had enough.
        }
    }
}
