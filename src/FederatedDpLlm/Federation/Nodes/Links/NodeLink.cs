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
    private readonly Lock _gate = new();
    private readonly Dictionary<QuestionKind, KindBreaker> _breakers = [];
    private NodeSnapshot _snapshot;
    private int _missed;

    public NodeLink(NodeEndpoint endpoint, string federation, PeerCredentials credentials, TimeProvider clock)
    {
        Clock = clock;
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

    public NodeSnapshot Snapshot
    {
        get
        {
            lock (_gate)
            {
                IReadOnlyList<KindState> kinds = [.. _breakers.Select(one => one.Value.State(one.Key)).OrderBy(state => state.Kind.Name, StringComparer.Ordinal)];
                // Where it does not even answer its probe, that is the reason to tell.
                return _snapshot with { Kinds = kinds, Trouble = _snapshot.Healthy ? NodeSnapshot.TroubleOf(kinds) : _snapshot.Trouble };
            }
        }
    }

    /// <summary>Whether a question of this kind may go to the node, if it is there.</summary>
    /// <param name="kind">Of the question.</param>
    /// <param name="asker">The user who asks.</param>
    public bool MayAsk(QuestionKind kind, string asker)
    {
        lock (_gate)
        {
            return !_breakers.TryGetValue(kind, out var breaker) || breaker.MayAsk(asker);
        }
    }

    /// <summary>Asks the node how it is, and publishes the answer or the trouble.</summary>
    public async Task ProbeAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            var status = await Client.GetStatusAsync(new StatusRequest(), deadline: Clock.GetUtcNow().UtcDateTime + timeout, cancellationToken: cancellationToken);
            _missed = 0;
            var fault = NodeClaims.FaultOf(status, Id);
            Publish(before => fault is null
                ? before with { Healthy = true, Status = status, LastSeen = Clock.GetUtcNow(), Trouble = null }
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
    /// <param name="kind">Of the question.</param>
    /// <param name="asker">The user who asks.</param>
    /// <returns>Null where the node is left alone because it broke at its last questions, or another question tries it.</returns>
    public TrackedQuestion? TryTrack(QuestionKind kind, string asker)
    {
        lock (_gate)
        {
            if (!_breakers.TryGetValue(kind, out var breaker))
            {
                _breakers.Add(kind, breaker = new KindBreaker(Clock));
            }

            if (breaker.TryEnter(asker) is not { } turn)
            {
                return null;
            }

            _snapshot = _snapshot with { InFlight = _snapshot.InFlight + 1 };
            return new TrackedQuestion(this, kind, turn, Clock.GetTimestamp());
        }
    }

    internal TimeProvider Clock { get; }

    public void Dispose() => _channel.Dispose();

    internal void CountOut(QuestionKind kind, KindTurn? withoutWord) => Publish(before =>
    {
        if (withoutWord is { } turn)
        {
            _breakers[kind].Left(turn);
        }

        return before with { InFlight = before.InFlight - 1 };
    });

    internal void CountBreak(QuestionKind kind, KindTurn turn)
    {
        lock (_gate)
        {
            _breakers[kind].Broke(turn);
        }
    }

    // Only answers: a node that fails fast is not a fast one.
    internal void CountAnswer(QuestionKind kind, KindTurn turn, long started) => Publish(before =>
    {
        _breakers[kind].Answered(turn);
        var latency = Clock.GetElapsedTime(started).TotalMilliseconds;
        return before with { LatencyMilliseconds = before.LatencyMilliseconds == 0 ? latency : ((1 - NewestWeight) * before.LatencyMilliseconds) + (NewestWeight * latency) };
    });

    private void Publish(Func<NodeSnapshot, NodeSnapshot> change)
    {
        lock (_gate)
        {
            _snapshot = change(_snapshot);
        }
    }
}
