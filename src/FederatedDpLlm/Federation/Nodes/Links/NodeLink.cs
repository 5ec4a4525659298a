using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Certificates;
using Grpc.Core;
using Grpc.Net.Client;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>
/// The router's end of the link to one hospital's node: one multiplexed HTTP/2 connection over mutual TLS, and what is known of the node's health and load.
/// Safe for concurrent use.
/// </summary>
/// <remarks>The specification's Hospital Node Client.</remarks>
public sealed class NodeLink : IDisposable
{
    // The weight of the newest latency: the mean follows a change within about ten answers.
    private const double NewestWeight = 0.2;

    // A busy node may miss a probe; one that misses this many in a row, or refuses the connection, is out.
    private const int MissedProbes = 3;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);
    private readonly GrpcChannel _channel;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private NodeSnapshot _snapshot;
    private int _missed;

    public NodeLink(NodeEndpoint endpoint, string federation, PeerCredentials credentials, TimeProvider clock)
    {
        _clock = clock;
        _snapshot = new NodeSnapshot(endpoint.Id, false, 0, 0, null, null, "not reached yet");
        _channel = GrpcChannel.ForAddress(endpoint.Address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectTimeout = ConnectTimeout,
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = TimeSpan.FromSeconds(5),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(3),
                PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
                UseProxy = false,
                SslOptions = FederationTls.ClientOptions(credentials, PeerIdentity.Hospital(federation, endpoint.Id)),
            },
            DisposeHttpClient = true,
        });
        Client = new HospitalNode.HospitalNodeClient(_channel);
        Endpoint = endpoint;
    }

    public NodeEndpoint Endpoint { get; }

    public string Id => Endpoint.Id;

    public HospitalNode.HospitalNodeClient Client { get; }

    public NodeSnapshot Snapshot => Volatile.Read(ref _snapshot);

    /// <summary>Asks the node how it is, and publishes the answer or the trouble.</summary>
    public async Task ProbeAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            var status = await Client.GetStatusAsync(new StatusRequest(), deadline: _clock.GetUtcNow().UtcDateTime + timeout, cancellationToken: cancellationToken);
            _missed = 0;
            var fault = NodeClaims.FaultOf(status, Id);
            Publish(before => fault is null
                ? before with { Healthy = true, Status = status, LastSeen = _clock.GetUtcNow(), Trouble = null }
                : before with { Healthy = false, Trouble = fault });
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            if (++_missed >= MissedProbes || error.StatusCode != StatusCode.DeadlineExceeded)
            {
                MarkDown(error);
            }
        }
    }

    /// <summary>Takes the node out until it answers a probe again.</summary>
    public void MarkDown(RpcException error) =>
        Publish(before => before with { Healthy = false, Trouble = error.StatusCode == StatusCode.DeadlineExceeded ? "no answer in time" : "not reachable" });

    /// <summary>Counts a question in; dispose the result when it has ended.</summary>
    public IDisposable Track()
    {
        Publish(before => before with { InFlight = before.InFlight + 1 });
        return new Tracked(this, _clock.GetTimestamp());
    }

    public void Dispose() => _channel.Dispose();

    private void Publish(Func<NodeSnapshot, NodeSnapshot> change)
    {
        lock (_gate)
        {
            Volatile.Write(ref _snapshot, change(_snapshot));
        }
    }

    private void CountOut(TimeSpan elapsed) => Publish(before => before with
    {
        InFlight = before.InFlight - 1,
        LatencyMilliseconds = before.LatencyMilliseconds == 0
            ? elapsed.TotalMilliseconds
            : ((1 - NewestWeight) * before.LatencyMilliseconds) + (NewestWeight * elapsed.TotalMilliseconds),
    });

    private sealed class Tracked(NodeLink link, long started) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                link.CountOut(link._clock.GetElapsedTime(started));
            }
        }
    }
}
