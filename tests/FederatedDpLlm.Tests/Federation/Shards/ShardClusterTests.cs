using System.Net;
using System.Net.Sockets;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Security.Audit;
using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Tests.Budgets;

namespace FederatedDpLlm.Tests.Federation.Shards;

/// <summary>The bundled model over shard hosts behind mutual TLS, with a network and peers that turn bad.</summary>
public sealed class ShardClusterTests : IDisposable
{
    private static readonly CancellationToken Cancellation = TestContext.Current.CancellationToken;
    private readonly ShardTestbed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Theory]
    [InlineData(ShardStrategy.Layer, 3), InlineData(ShardStrategy.Pipeline, 2), InlineData(ShardStrategy.Attention, 2), InlineData(ShardStrategy.Tensor, 3), InlineData(ShardStrategy.TensorPipeline, 4)]
    public async Task Every_strategy_gives_the_bits_of_the_unsharded_engine_over_the_wire(ShardStrategy strategy, int degree)
    {
        using var cluster = await _bed.StartAsync(strategy, Hosts(degree));
        await ShardTestbed.RequireWholeRunAsync(cluster);
        Assert.Empty(cluster.Recoveries);
    }

    [Theory, InlineData(ShardStrategy.Tensor, 4), InlineData(ShardStrategy.Pipeline, 3)]
    public async Task A_quantised_model_gives_its_own_bits_over_the_wire(ShardStrategy strategy, int degree)
    {
        using var folder = new LedgerFolder();
        var path = Path.Combine(folder.Root, "ward-2m-q8.gguf");
        ModelConversion.ToGguf(BundledModel.Folder, null, path, ElementType.Q8_0, null, Cancellation);
        int[] prompt = [0, 70, 71, 300, 301, 302, 80];
        var nodes = Enumerable.Range(0, degree).Select(node => _bed.Host($"node-{node}", model: path)).ToList();
        using var cluster = await _bed.StartAsync(strategy, nodes, model: path);
        await ShardTestbed.RequireAsync(cluster, prompt, ShardTestbed.RunWhole(path, prompt, 8));
    }

    [Fact]
    public async Task A_shard_with_another_copy_of_the_model_is_refused()
    {
        using var folder = new LedgerFolder();
        var path = Path.Combine(folder.Root, "ward-2m-q8.gguf");
        ModelConversion.ToGguf(BundledModel.Folder, null, path, ElementType.Q8_0, null, Cancellation);
        var refused = await Assert.ThrowsAsync<ShardLostException>(() => _bed.StartAsync(ShardStrategy.None, [_bed.Host("node-0", model: path)]));
        Assert.Equal(ShardRefusal.Weights, Assert.IsType<ShardRefusedException>(refused.InnerException).Refusal);
    }

    [Theory, InlineData(1), InlineData(6)]
    public async Task A_shard_that_goes_on_by_itself_beside_the_coordinators_own_gives_the_bits_of_the_unsharded_engine(int requests)
    {
        using var cluster = await _bed.StartAsync(ShardStrategy.Tensor, [_bed.Host("node-0"), ShardTestbed.Endpoint("own", null!)]);
        await Task.WhenAll(Enumerable.Range(0, requests).Select(_ => Task.Run(() => ShardTestbed.RequireWholeRunAsync(cluster))));
        Assert.Empty(cluster.Recoveries);
    }

    [Fact]
    public async Task A_shard_lost_while_it_goes_on_by_itself_costs_no_token_and_changes_none()
    {
        var (hosts, proxy) = BehindProxy(1, badOne: 0);
        using var cluster = await _bed.StartAsync(ShardStrategy.Tensor, [.. hosts, ShardTestbed.Endpoint("own", null!)], [_bed.Host("spare")]);
        await ShardTestbed.RequireWholeRunAsync(cluster, token => proxy.Meddling = token == 4 ? Meddling.HalfOpen : proxy.Meddling);
        Assert.Equal(hosts[0].Node.Name, Assert.Single(Assert.Single(cluster.Recoveries).Lost));
    }

    [Fact]
    public async Task Many_requests_at_once_each_get_the_bits_of_running_alone()
    {
        using var cluster = await _bed.StartAsync(ShardStrategy.Pipeline, Hosts(2));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => ShardTestbed.RequireWholeRunAsync(cluster))));
    }

    [Fact]
    public async Task The_coordinators_own_process_can_be_one_of_the_shards()
    {
        using var cluster = await _bed.StartAsync(ShardStrategy.Tensor, [_bed.Host("one"), ShardTestbed.Endpoint("own", null!)]);
        await ShardTestbed.RequireWholeRunAsync(cluster);
    }

    [Fact]
    public async Task Measured_nodes_are_planned_by_what_was_measured()
    {
        using var cluster = await _bed.StartAsync(ShardStrategy.Layer, Hosts(2), measure: true);
        await ShardTestbed.RequireWholeRunAsync(cluster);
        Assert.All(cluster.Nodes, node => Assert.InRange(node.LayersPerSecond, 1, 1e7));
        Assert.All(cluster.Nodes, node => Assert.InRange(node.RoundTrip, TimeSpan.FromTicks(10), TimeSpan.FromSeconds(2)));
        Assert.All(cluster.Nodes, node => Assert.Equal(2L << 30, node.MemoryBytes));
    }

    [Theory]
    [InlineData(Meddling.HalfOpen), InlineData(Meddling.Slow), InlineData(Meddling.Corrupt), InlineData(Meddling.Reset)]
    internal async Task A_link_that_turns_bad_costs_time_and_no_bit(Meddling meddling)
    {
        foreach (var spares in new[] { 1, 0 })
        {
            var (hosts, proxy) = BehindProxy(3, badOne: 1);
            using var cluster = await _bed.StartAsync(ShardStrategy.Tensor, hosts, Hosts(spares, "spare"));
            await ShardTestbed.RequireWholeRunAsync(cluster, token => proxy.Meddling = token == 5 ? meddling : proxy.Meddling).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);

            Assert.Equal(["node-1"], Assert.Single(cluster.Recoveries).Lost);
            Assert.Equal(spares == 1, cluster.Recoveries[0].BySpare);
        }
    }

    [Fact]
    public async Task Without_anybody_left_a_request_ends_with_a_typed_error_in_time()
    {
        var (hosts, proxy) = BehindProxy(1, badOne: 0);
        using var cluster = await _bed.StartAsync(ShardStrategy.None, hosts);
        var failing = ShardTestbed.RequireWholeRunAsync(cluster, token => proxy.Meddling = token == 3 ? Meddling.HalfOpen : proxy.Meddling);
        await Assert.ThrowsAsync<ShardsUnavailableException>(() => failing.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_callers_own_deadline_ends_its_wait_and_its_tokens_are_computed_later()
    {
        var (hosts, proxy) = BehindProxy(2, badOne: 0);
        using var cluster = await _bed.StartAsync(ShardStrategy.Tensor, hosts);
        using var session = cluster.Open("request", "tester");
        await session.AppendAsync(new[] { 0, 70, 71 }, Cancellation);
        proxy.Meddling = Meddling.HalfOpen;
        using (var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(100)))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => session.AppendAsync(new[] { 72 }, deadline.Token));
        }

        var logits = await session.AppendAsync(new[] { 73 }, Cancellation);
        Assert.Equal(ShardTestbed.RunWhole(BundledModel.Folder, [0, 70, 71, 72, 73], 1)[0], logits);
    }

    [Fact]
    public async Task A_pass_by_an_earlier_plan_is_refused_and_never_given_another_plans_sums()
    {
        using var link = await ShardLink.ConnectAsync(
            _bed.Host("node-0"), _bed.Coordinator, ShardTestbed.Federation, ShardTestbed.Model.Manifest, new ShardTimeouts(), TimeProvider.System, Cancellation);
        var planner = new ShardPlanner(ShardTestbed.Model.Shape, ShardTestbed.Model.Manifest.Root, TrustZones.Only(ShardTestbed.Zone));
        var nodes = new[] { link.Node, link.Node with { Name = "node-1" } };
        var earlier = await link.LoadAsync(planner.Plan(1, ShardStrategy.Tensor, nodes), 0);
        var swapped = planner.Plan(2, ShardStrategy.Tensor, [nodes[1], nodes[0]]);
        var now = await link.LoadAsync(swapped, 1);

        // Both hold half of layer 0's attention: the answers would have the same size.
        var work = new ShardWork(ShardStepKind.Attention, 0, 1, [new ShardRows(Guid.NewGuid(), 0, 1)], new float[ShardTestbed.Model.Shape.Width]);
        Assert.Equal(work.Stream.Length, (await now.ComputeAsync(work, Cancellation)).Length);
        var refused = await Assert.ThrowsAsync<ShardLostException>(() => earlier.ComputeAsync(work, Cancellation));
        Assert.Equal(ShardRefusal.OtherPlan, Assert.IsType<ShardRefusedException>(refused.InnerException).Refusal);
    }

    [Theory]
    [InlineData("garbage"), InlineData("other number"), InlineData("too short"), InlineData("not a number"), InlineData("huge length"), InlineData("silence"), InlineData("other kind")]
    public async Task A_shard_that_lies_is_left_behind_and_its_lies_reach_nobody(string lie)
    {
        using var liar = new LyingShard(_bed.Credentials(PeerIdentity.Shard(ShardTestbed.Federation, "liar")), header => Lie(lie, header), honestAnswers: 1);

        // The probe of the start is answered with zeros: a lie of the right form. What follows is not.
        using var cluster = await _bed.StartAsync(ShardStrategy.None, [ShardTestbed.Endpoint("liar", liar.EndPoint)], [_bed.Host("spare")]);
        await ShardTestbed.RequireWholeRunAsync(cluster).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(["liar"], Assert.Single(cluster.Recoveries).Lost);
    }

    [Fact]
    public async Task A_peer_of_another_identity_or_authority_is_refused()
    {
        using var foreign = FederationAuthority.Create(ShardTestbed.Federation, TimeProvider.System);
        PeerCredentials[] wrong =
        [
            _bed.Credentials(PeerIdentity.Shard(ShardTestbed.Federation, "another")), _bed.Credentials(PeerIdentity.Hospital(ShardTestbed.Federation, "node-0")),
            _bed.Credentials(PeerIdentity.Shard(ShardTestbed.Federation, "node-0"), foreign),
        ];
        foreach (var credentials in wrong)
        {
            await Assert.ThrowsAsync<ShardLostException>(() => _bed.StartAsync(ShardStrategy.None, [_bed.Host("node-0", credentials: credentials)]));
        }
    }

    [Fact]
    public async Task A_shard_refuses_a_plan_that_takes_it_for_one_of_another_zone()
    {
        var host = _bed.Host("node-0", zone: "elsewhere");
        var refused = await Assert.ThrowsAsync<ShardLostException>(() => _bed.StartAsync(ShardStrategy.None, [host with { Node = host.Node with { Zone = ShardTestbed.Zone } }]));
        Assert.Equal(ShardRefusal.Untrusted, Assert.IsType<ShardRefusedException>(refused.InnerException).Refusal);
    }

    [Fact]
    public async Task Hidden_states_leave_the_zone_only_by_agreement_and_each_request_that_crosses_is_audited()
    {
        ShardEndpoint[] nodes = [_bed.Host("ours"), _bed.Host("theirs", zone: "hospital-b")];
        using (var home = await _bed.StartAsync(ShardStrategy.Tensor, nodes))
        {
            await ShardTestbed.RequireWholeRunAsync(home);
            Assert.Equal(["ours"], home.Plan.Shards.Select(shard => shard.Node));
            Assert.Empty(_bed.Audited);
        }

        using var folder = new LedgerFolder();
        await using var ledger = await folder.OpenAsync();
        _bed.Audit = ledger.RecordAsync;
        using var crossing = await _bed.StartAsync(ShardStrategy.Tensor, nodes, zones: new TrustZones(ShardTestbed.Zone, ["hospital-b"]));
        await ShardTestbed.RequireWholeRunAsync(crossing);
        var record = Assert.Single(AuditLog.Latest(folder.Path, 10)).Record;
        Assert.Equal(("request", "tester", AuditDecision.Admitted), (record.RequestId, record.Actor, record.Decision));
        Assert.Equal(("hospital-b", "theirs"), (record.Details["to_zone"], record.Details["node"]));
    }

    [Theory, InlineData(ShardStrategy.Layer), InlineData(ShardStrategy.Pipeline), InlineData(ShardStrategy.Attention), InlineData(ShardStrategy.Tensor)]
    public async Task An_agreed_zone_computes_between_the_ends_of_the_model_and_so_does_its_spare(ShardStrategy strategy)
    {
        ShardEndpoint[] nodes = [_bed.Host("theirs", zone: "hospital-b"), _bed.Host("ours")];
        using var cluster = await _bed.StartAsync(strategy, nodes, [_bed.Host("spare", zone: "hospital-b")], new TrustZones(ShardTestbed.Zone, ["hospital-b"]) { HomeLayers = 2 });
        await ShardTestbed.RequireWholeRunAsync(cluster, token =>
        {
            if (token == 4)
            {
                _bed.End(nodes[0]);
            }
        });

        Assert.True(Assert.Single(cluster.Recoveries).BySpare);
        var crossing = Assert.Single(cluster.Plan.Shards, shard => shard.Zone == "hospital-b");
        Assert.Equal("spare", crossing.Node);
        Assert.All(crossing.Layers, held => Assert.InRange(held.Layer, 2, ShardTestbed.Model.Shape.Layers - 2));
        Assert.Equal(["theirs", "spare"], _bed.Audited.Select(record => record.Details["node"]));
        Assert.All(_bed.Audited, record => Assert.True(int.Parse(record.Details["first_layer"], System.Globalization.CultureInfo.InvariantCulture) >= 2));
    }

    [Fact]
    public async Task Without_its_own_nodes_a_model_is_not_cut_over_anothers_zone_alone()
    {
        var zones = new TrustZones(ShardTestbed.Zone, ["hospital-b"]);
        var ours = _bed.Host("ours");
        await Assert.ThrowsAsync<ShardPlanException>(() => _bed.StartAsync(ShardStrategy.Layer, [_bed.Host("alone", zone: "hospital-b")], zones: zones));

        // Nor when ours are lost on the way.
        using var cluster = await _bed.StartAsync(ShardStrategy.Layer, [ours, _bed.Host("theirs", zone: "hospital-b")], zones: zones);
        await ShardTestbed.RequireWholeRunAsync(cluster);
        _bed.End(ours);
        using var session = cluster.Open("request", "tester");
        await Assert.ThrowsAsync<ShardsUnavailableException>(() => session.AppendAsync(new[] { 0, 70 }, Cancellation));
    }

    [Fact]
    public async Task A_crossing_that_cannot_be_recorded_does_not_happen_at_the_next_attempt_either()
    {
        var full = false;
        _bed.Audit = (record, _) =>
        {
            _bed.Audited.Add(full ? throw new IOException("no room") : record);
            return Task.CompletedTask;
        };
        ShardEndpoint[] nodes = [_bed.Host("ours"), _bed.Host("theirs", zone: "hospital-b")];
        using var cluster = await _bed.StartAsync(ShardStrategy.Tensor, nodes, [_bed.Host("spare", zone: "hospital-b")], new TrustZones(ShardTestbed.Zone, ["hospital-b"]));
        using var session = cluster.Open("request", "tester");
        await session.AppendAsync(new[] { 0, 70, 71 }, Cancellation);

        _bed.End(nodes[1]);
        full = true;
        await Assert.ThrowsAsync<IOException>(() => session.AppendAsync(new[] { 72 }, Cancellation));
        await Assert.ThrowsAsync<IOException>(() => session.AppendAsync(new[] { 73 }, Cancellation));
        using var another = cluster.Open("another request", "tester");
        await Assert.ThrowsAsync<IOException>(() => another.AppendAsync(new[] { 0 }, Cancellation));
        Assert.Equal(["theirs"], _bed.Audited.Select(record => record.Details["node"]));

        full = false;
        Assert.Equal(ShardTestbed.RunWhole(BundledModel.Folder, [0, 70, 71, 72, 73, 74], 1)[0], await session.AppendAsync(new[] { 74 }, Cancellation));
        Assert.Equal(["theirs", "spare"], _bed.Audited.Select(record => record.Details["node"]));
    }

    [Fact]
    public async Task Shards_that_load_and_compute_nothing_make_no_ready_cluster()
    {
        using var silent = new LyingShard(_bed.Credentials(PeerIdentity.Shard(ShardTestbed.Federation, "silent")), _ => [], honestAnswers: 0);
        var starting = _bed.StartAsync(ShardStrategy.None, [ShardTestbed.Endpoint("silent", silent.EndPoint)]);
        await Assert.ThrowsAsync<ShardLostException>(() => starting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
    }

    [Fact]
    public async Task A_caller_that_never_proves_itself_is_cut_off_and_others_are_served()
    {
        var host = _bed.Host("node-0");
        using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await silent.ConnectAsync(host.Address!, TestContext.Current.CancellationToken);
        using var cluster = await _bed.StartAsync(ShardStrategy.None, [host]);
        await ShardTestbed.RequireWholeRunAsync(cluster);
        silent.ReceiveTimeout = 10_000;
        Assert.True(Ended(silent), "The host keeps a caller that says nothing.");
    }

    private static bool Ended(Socket socket)
    {
        try
        {
            return socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException reset)
        {
            return reset.SocketErrorCode == SocketError.ConnectionReset;
        }
    }

    private static byte[] Lie(string lie, FrameHeader header) => lie switch
    {
        "garbage" => [.. Enumerable.Range(0, 200).Select(i => (byte)(i * 37))],
        "other number" => LyingShard.Frame(header with { Number = header.Number + 7 }, FrameKind.Computed, new byte[16]),
        "too short" => LyingShard.Frame(header, FrameKind.Computed, new byte[16]),
        "not a number" => LyingShard.Frame(header, FrameKind.Computed, [0, 0, 0xC0, 0x7F]),
        "huge length" => LyingShard.Frame(header, FrameKind.Computed, new byte[100])[..80],
        "other kind" => LyingShard.Frame(header, FrameKind.Ready, []),
        _ => [],
    };

    private List<ShardEndpoint> Hosts(int count, string name = "node") => [.. Enumerable.Range(0, count).Select(node => _bed.Host($"{name}-{node}"))];

    private (List<ShardEndpoint> Hosts, MeddlingProxy Proxy) BehindProxy(int count, int badOne)
    {
        var hosts = Hosts(count);
        var proxy = _bed.Own(new MeddlingProxy(hosts[badOne].Address!));
        hosts[badOne] = hosts[badOne] with { Address = proxy.EndPoint };
        return (hosts, proxy);
    }
}
