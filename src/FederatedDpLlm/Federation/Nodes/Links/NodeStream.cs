using System.Net.Sockets;
using Grpc.Core;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>Reads a node's events and turns every way in which a call can break into a value. What was sent and broke counts against the node.</summary>
public sealed class NodeStream<TEvent>(NodeLink link, TrackedQuestion tracked, IAsyncStreamReader<TEvent> events)
{
    // Gateways and people wait less long than a draw may take: where they give up after this much silence, the node has not answered in time.
    private static readonly TimeSpan LongSilence = TimeSpan.FromSeconds(30);

    public async Task<NodeReply<TEvent>> NextAsync(CancellationToken cancellationToken)
    {
        var since = link.Clock.GetTimestamp();
        try
        {
            return await events.MoveNext(cancellationToken) ? new NodeReply<TEvent>.Event(events.Current) : new NodeReply<TEvent>.Ended();
        }
        catch (RpcException error)
        {
            if (cancellationToken.IsCancellationRequested && link.Clock.GetElapsedTime(since) >= LongSilence)
            {
                tracked.Broke();
            }

            cancellationToken.ThrowIfCancellationRequested();
            var neverSent = IsNeverSent(error);
            if (neverSent || error.StatusCode is StatusCode.Unavailable or StatusCode.Internal)
            {
                link.MarkDown(error);
            }

            if (!neverSent)
            {
                tracked.Broke();
            }

            return new NodeReply<TEvent>.Broken(neverSent, $"{link.Id}: {error.StatusCode}");
        }
    }

    /// <summary>Whether the connection itself did not come about, so that the request never left. In doubt it did.</summary>
    public static bool IsNeverSent(RpcException error) => error.Status.DebugException switch
    {
        HttpRequestException http => http.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError,
        // The channel's own connecting hands over the bare socket error; one on an open connection comes wrapped.
        SocketException socket => socket.SocketErrorCode is SocketError.ConnectionRefused or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostNotFound,
        _ => false,
    };
}
