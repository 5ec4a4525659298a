using System.Diagnostics.Metrics;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Routing.Strategies;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Certificates;
using FederatedDpLlm.Tests.Budgets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>A router over scripted nodes: real links, a real ledger whose quotas are all the same. Nodes are asked in the order of their names.</summary>
internal sealed class RouterUnderTest : IAsyncDisposable
{
    private readonly FederationAuthority _authority = FederationAuthority.Create("test", TimeProvider.System);
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("fedllm-router-").FullName;
    private readonly List<ScriptedNode> _nodes = [];
    private readonly SecureRandom _random = new();
    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RouteJournal _journal;
    private readonly FaultyStore _store;
    private SqliteBudgetLedger? _ledger;
    private NodeDirectory? _directory;

    public RouterUnderTest()
    {
        _journal = new RouteJournal(TimeProvider.System, _meters.GetRequiredService<IMeterFactory>());
        _store = new FaultyStore(new SqliteLedgerStore(LedgerPath));
    }

    /// <summary>What every quota holds a day.</summary>
    public double QuotaEpsilon { get; set; } = 10;

    /// <summary>The longest that one draw may take at a node, in seconds.</summary>
    public int AnswerTimeoutSeconds { get; set; } = 300;

    /// <summary>What the links go by: health, pauses and deadlines.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <summary>How every quota adds up.</summary>
    public Composition Composition { get; set; } = Composition.Basic;

    /// <summary>Fails when it is told to.</summary>
    public FaultyStore Store => _store;

    public string LedgerPath => Path.Combine(_folder, SqliteBudgetLedger.FileName);

    public IReadOnlyList<ScriptedNode> Nodes => _nodes;

    public NodeDirectory Directory => _directory!;

    public SqliteBudgetLedger Ledger => _ledger!;

    public RouteJournal Journal => _journal;

    public FederatedRouter Router { get; private set; } = null!;

    /// <param name="change">Before the first probe.</param>
    /// <param name="ids">One node each.</param>
    public static async Task<RouterUnderTest> StartAsync(Action<RouterUnderTest>? change, params string[] ids)
    {
        var test = new RouterUnderTest();
        foreach (var id in ids)
        {
            test._nodes.Add(await ScriptedNode.StartAsync(id, test._authority));
        }

        change?.Invoke(test);
        await test.ConnectAsync();
        return test;
    }

    public static Task<RouterUnderTest> StartAsync(params string[] ids) => StartAsync(null, ids);

    /// <summary>A node that has another hospital's certificate.</summary>
    public static async Task<RouterUnderTest> StartWithImpostorAsync(string id, string certificateOf)
    {
        var test = new RouterUnderTest();
        test._nodes.Add(await ScriptedNode.StartAsync(id, test._authority, certificateOf));
        await test.ConnectAsync();
        return test;
    }

    /// <summary>Ends a node's process; its endpoint stays known.</summary>
    public async Task KillAsync(int node)
    {
        await _nodes[node].DisposeAsync();
        _nodes.RemoveAt(node);
    }

    public async Task<List<RouteEvent>> AskAsync(RoutedQuestion question, bool buffered = true)
    {
        var events = new List<RouteEvent>();
        await foreach (var one in Router.AskAsync(question, buffered, TestContext.Current.CancellationToken))
        {
            events.Add(one);
        }

        return events;
    }

    public double Spent(string account) => Ledger.Find(new AccountId(account))?.Spent.ToDouble() ?? 0;

    /// <summary>One question is one line, whatever became of it, with all that was spent on it.</summary>
    public void AssertJournal(string outcome, double epsilon, params string[] nodes)
    {
        var line = Assert.Single(_journal.Lines);
        Assert.Equal((outcome, epsilon), (line.Outcome, line.Epsilon));
        Assert.Equal(nodes, line.Nodes);
    }

    public async ValueTask DisposeAsync()
    {
        if (_directory is not null)
        {
            await _directory.StopAsync(CancellationToken.None);
            _directory.Dispose();
        }

        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        if (_ledger is not null)
        {
            await _ledger.DisposeAsync();
        }

        await _meters.DisposeAsync();
        _random.Dispose();
        _authority.Dispose();
        System.IO.Directory.Delete(_folder, true);
    }

    private async Task ConnectAsync()
    {
        _ledger = new SqliteBudgetLedger(_store, ownership: null, TimeProvider.System, NullLogger.Instance);
        Router = Connect(_nodes.Select(node => node.Endpoint));
        await Task.WhenAll(_directory!.Links.Select(link => link.ProbeAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)));
    }

    private FederatedRouter Connect(IEnumerable<NodeEndpoint> endpoints)
    {
        var credentials = _authority.IssueInto(_folder, PeerIdentity.Router("test"));
        _directory = new NodeDirectory("test", endpoints, credentials, Clock, NullLogger<NodeDirectory>.Instance);
        // In the order of names, so that a test knows who is asked first.
        return new FederatedRouter(
            _directory, new QuotaGate(Ledger, new SameForAll(this)), [new FirstByName()], new RouterNoise(_random),
            new RoutingOptions { Strategy = "first", AnswerTimeoutSeconds = AnswerTimeoutSeconds }, _journal, Clock);
    }

    private sealed class FirstByName : INodeSelectionStrategy
    {
        public string Name => "first";

        public NodeSnapshot Choose(IReadOnlyList<NodeSnapshot> candidates) => candidates[0];
    }

    private sealed class SameForAll(RouterUnderTest test) : IQuotaPolicy
    {
        public double Delta => 1e-6;

        public double DefaultEpsilon(string department) => 1;

        public IReadOnlyList<AccountPolicy>? AccountsFor(string user, string department, string purpose) => purpose == TestQuestions.NoQuota
            ? null
            : [Quota(AccountId.User(user)), Quota(AccountId.Department(department)), Quota(AccountId.Purpose(purpose)), Quota(AccountId.Global)];

        private AccountPolicy Quota(AccountId id) => new(id, AccountKind.Quota, test.Composition, test.QuotaEpsilon, 1e-6, ResetSchedule.Daily);
    }
}
