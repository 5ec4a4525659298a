using System.Net.Security;
using System.Net.Sockets;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>
/// The coordinator's end of a link to one shard: any number of requests in flight, each with its deadline. The first thing that goes wrong ends the link for good:
/// every waiting request fails at once, and the shard counts as lost.
/// </summary>
internal sealed class ShardLink : IShardPeer
{
    private const int MeasuredTrips = 6;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(25);
    private readonly FrameStream _frames;
    private readonly Socket _socket;
    private readonly ShardTimeouts _timeouts;
    private readonly TimeProvider _clock;
    private readonly Func<ShardPlan, int, byte[]> _sign;
    private readonly ITimer _watch;
    private readonly WireWriter _payload = new();
    private readonly Lock _writing = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Pending> _pending = [];
    private ulong _number;
    private ShardWork? _lastSent;
    private string? _lost;

    private ShardLink(ShardNode node, Socket socket, SslStream tls, Func<ShardPlan, int, byte[]> sign, ShardTimeouts timeouts, TimeProvider clock)
    {
        (Node, _socket, _sign, _timeouts, _clock) = (node, socket, sign, timeouts, clock);
        _frames = new FrameStream(tls, socket, clock);
        _watch = clock.CreateTimer(_ => Watch(), null, LookEvery, LookEvery);
        new Thread(Read) { IsBackground = true, Name = $"shard {node.Name}" }.Start();
    }

    public ShardNode Node { get; private set; }

    public bool IsLost => Volatile.Read(ref _lost) is not null;

    /// <param name="endpoint">Whom to reach, and where.</param>
    /// <param name="credentials">The coordinator's; plans are signed with its key.</param>
    /// <param name="federation">The federation's name, as certificates carry it.</param>
    /// <param name="manifest">The weights that shards must hold.</param>
    /// <param name="timeouts">How long to wait for what.</param>
    /// <param name="clock">The time.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ShardLostException">It does not listen, is not who it should be, or takes too long.</exception>
    public static async Task<ShardLink> ConnectAsync(
        ShardEndpoint endpoint, PeerCredentials credentials, string federation, ShardManifest manifest, ShardTimeouts timeouts, TimeProvider clock, CancellationToken cancellationToken)
    {
        // Blocking calls on a thread of their own: a socket that was ever used asynchronously is slower to wake a blocked reader.
        var socket = new Socket(endpoint.Address!.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var connecting = Task.Factory.StartNew(
            () => new ShardLink(
                endpoint.Node, socket, Connect(endpoint, credentials, federation, timeouts, clock, socket), (plan, assignment) => SignedPlan.Write(plan, assignment, manifest, credentials.Own),
                timeouts, clock),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return await connecting.WaitAsync(timeouts.Connect, clock, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }
        catch (Exception error)
        {
            socket.Dispose();
            throw new ShardLostException(endpoint.Node.Name, $"no link: {error.Message}", error);
        }
    }

    public async Task MeasureAsync()
    {
        var shortest = TimeSpan.MaxValue;
        for (var trip = 0; trip < MeasuredTrips; trip++)
        {
            var started = _clock.GetTimestamp();
            var measured = (await SendAsync(FrameKind.Measure, null, _timeouts.Load, static _ => { })).ToArray();
            if (measured is not [> 0 and var layersPerSecond, >= 0 and var memoryBytes])
            {
                Lose("its measures are none");
                throw new ShardLostException(Node.Name, "its measures are none");
            }

            // The first trip waits for the shard to measure itself; the shortest is the distance.
            shortest = TimeSpan.FromTicks(Math.Min(shortest.Ticks, _clock.GetElapsedTime(started).Ticks));
            Node = Node with { LayersPerSecond = layersPerSecond, MemoryBytes = (long)memoryBytes, RoundTrip = shortest };
        }
    }

    public async Task<IShard> LoadAsync(ShardPlan plan, int assignment)
    {
        await RequestAsync(FrameKind.Load, plan, assignment);
        return new ShardUnderPlan(this, plan);
    }

    public Task PrepareAsync(ShardPlan plan, int assignment) => RequestAsync(FrameKind.Prepare, plan, assignment);

    public void Dispose() => Lose("its link was closed");

    private static SslStream Connect(ShardEndpoint endpoint, PeerCredentials credentials, string federation, ShardTimeouts timeouts, TimeProvider clock, Socket socket)
    {
        socket.Connect(endpoint.Address!);
        socket.SendTimeout = (int)timeouts.Step.TotalMilliseconds;
        var tls = new SslStream(new WatchfulStream(socket, clock));
        tls.AuthenticateAsClient(FederationTls.ClientOptions(credentials, PeerIdentity.Shard(federation, endpoint.Node.Name)));
        return tls;
    }

    private async Task RequestAsync(FrameKind kind, ShardPlan plan, int assignment)
    {
        var signed = _sign(plan, assignment);
        await SendAsync(kind, plan, _timeouts.Load, payload => payload.Bytes(signed));
    }

    private Task<ReadOnlyMemory<float>> SendAsync(FrameKind kind, ShardPlan? plan, TimeSpan within, Action<WireWriter> write)
    {
        // The reader's thread goes on with what waited, so that a token does not change threads for every reply.
        var pending = new Pending(AnswerTo(kind), _clock.GetTimestamp(), within, new TaskCompletionSource<ReadOnlyMemory<float>>());
        ulong number;
        lock (_gate)
        {
            if (_lost is { } reason)
            {
                return Task.FromException<ReadOnlyMemory<float>>(new ShardLostException(Node.Name, reason));
            }

            number = ++_number;
            _pending.Add(number, pending);
        }

        try
        {
            lock (_writing)
            {
                _payload.Clear();
                write(_payload);
                _frames.Write(new FrameHeader(kind, 0, number, plan?.Epoch ?? 0, plan?.Manifest ?? default), _payload.Written);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Lose(error.Message);
        }

        return pending.Completion.Task;
    }

    private static FrameKind AnswerTo(FrameKind kind) => kind switch
    {
        FrameKind.Compute => FrameKind.Computed,
        FrameKind.Measure => FrameKind.Measured,
        _ => FrameKind.Ready,
    };

    private void Read()
    {
        try
        {
            while (_frames.TryRead(_timeouts.Step, out var header, out var payload))
            {
                Complete(header, payload.Span);
            }

            Lose("it closed the link");
        }
        catch (Exception error)
        {
            // On a thread of its own nobody else would catch it, and whoever waits would wait for ever.
            Lose(error.Message);
        }
    }

    private void Complete(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Pending? pending;
        lock (_gate)
        {
            // What is not answered properly stays waiting, and fails with the link.
            if (!_pending.TryGetValue(header.Number, out pending) || (header.Kind != pending.Expected && header.Kind != FrameKind.Refused))
            {
                throw new ShardProtocolException("It answered what was not asked.");
            }

            _pending.Remove(header.Number);
        }

        try
        {
            if (header.Kind == FrameKind.Refused)
            {
                var refused = WorkEncoding.ReadRefusal(payload);
                pending.Completion.TrySetException(new ShardLostException(Node.Name, refused.Message, refused));
            }
            else
            {
                pending.Completion.TrySetResult(new WireReader(payload).Floats());
            }
        }
        catch (ShardProtocolException error)
        {
            Lose(error.Message);
            pending.Completion.TrySetException(new ShardLostException(Node.Name, error.Message, error));
        }
    }

    private void Watch()
    {
        var now = _clock.GetTimestamp();
        bool late;
        lock (_gate)
        {
            late = _pending.Values.Any(pending => _clock.GetElapsedTime(pending.Started, now) > pending.Within);
        }

        if (late)
        {
            Lose("it does not answer in time");
        }
    }

    private void Lose(string reason)
    {
        List<Pending> waiting;
        lock (_gate)
        {
            if (_lost is not null)
            {
                return;
            }

            _lost = reason;
            waiting = [.. _pending.Values];
            _pending.Clear();
        }

        _watch.Dispose();
        _socket.Dispose();
        foreach (var pending in waiting)
        {
            pending.Completion.TrySetException(new ShardLostException(Node.Name, reason));
        }
    }

    private void Close(ShardPlan plan, Guid session)
    {
        try
        {
            lock (_writing)
            {
                _payload.Clear();
                _payload.Guid(session);
                _frames.Write(new FrameHeader(FrameKind.Close, 0, 0, plan.Epoch, plan.Manifest), _payload.Written);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Lose(error.Message);
        }
    }

    private sealed class ShardUnderPlan(ShardLink link, ShardPlan plan) : IShard
    {
        public Task<ReadOnlyMemory<float>> ComputeAsync(ShardWork work, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return link.SendAsync(FrameKind.Compute, plan, link._timeouts.Step + link._timeouts.Row * work.RowCount, payload =>
            {
                link._lastSent = work;
                WorkEncoding.Write(payload, work);
            });
        }

        // Under the writer's lock (which may be taken twice): nothing comes between what was sent last and what goes on from it.
        public Task<ReadOnlyMemory<float>>? TryGoOn(ShardWork before, ShardWork work)
        {
            lock (link._writing)
            {
                return ReferenceEquals(link._lastSent, before) ? ComputeAsync(work, CancellationToken.None) : null;
            }
        }

        public void Close(Guid session)
        {
            if (!link.IsLost)
            {
                link.Close(plan, session);
            }
        }
    }

    private sealed record Pending(FrameKind Expected, long Started, TimeSpan Within, TaskCompletionSource<ReadOnlyMemory<float>> Completion);
}
