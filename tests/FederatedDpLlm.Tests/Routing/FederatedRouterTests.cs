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
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>What one question costs when nodes refuse, break or lie: over real links and a real ledger.</summary>
public sealed class FederatedRouterTests : IAsyncLifetime
{
    private readonly FederationAuthority _authority = FederationAuthority.Create("test", TimeProvider.System);
    private readonly string _folder = Directory.CreateTempSubdirectory("fedllm-router-").FullName;
    private readonly List<ScriptedNode> _nodes = [];
    private readonly SecureRandom _random = new();
    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RouteJournal _journal;
    private SqliteBudgetLedger _ledger = null!;
    private NodeDirectory? _directory;

    public FederatedRouterTests() => _journal = new RouteJournal(TimeProvider.System, _meters.GetRequiredService<IMeterFactory>());

    public async ValueTask InitializeAsync() =>
        _ledger = await SqliteBudgetLedger.OpenAsync(
            Path.Combine(_folder, "ledger.db"), TimeProvider.System, NullLogger<SqliteBudgetLedger>.Instance, TestContext.Current.CancellationToken);

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

        await _ledger.DisposeAsync();
        await _meters.DisposeAsync();
        _random.Dispose();
        _authority.Dispose();
        Directory.Delete(_folder, true);
    }

    [Fact]
    public async Task An_answer_charges_every_quota_what_it_cost()
    {
        var router = await StartAsync("a");
        var events = await AskAsync(router, Choice(1));
        Assert.Equal("yes", Assert.IsType<RouteEvent.Text>(events[0]).Value);
        var completion = Assert.IsType<RouteEvent.Completed>(events[1]).Completion;
        Assert.Equal(["a"], completion.Nodes);
        Assert.All(completion.Accounts, account => Assert.Equal(1.0, account.Charged.ToDouble()));
        Assert.Equal(1.0, Spent("global"));
        Assert.Equal(1.0, Spent("user:alice"));
    }

    [Fact]
    public async Task Tokens_that_were_not_drawn_return_to_the_quotas()
    {
        var router = await StartAsync("a");
        var events = await AskAsync(router, Decoding(1, maxTokens: 16));
        Assert.IsType<RouteEvent.Completed>(events[^1]);
        Assert.InRange(Spent("global"), 0.05, 0.5);
    }

    [Fact]
    public async Task A_node_whose_data_is_spent_costs_nothing_and_the_next_one_answers()
    {
        var router = await StartAsync("a", "b");
        _nodes[0].Script = ScriptedNode.RefuseAsync;
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await AskAsync(router, Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(1.0, Spent("global"));
    }

    [Fact]
    public async Task Data_that_is_spent_everywhere_is_a_refusal_and_costs_no_quota()
    {
        var router = await StartAsync("a", "b");
        _nodes.ForEach(node => node.Script = ScriptedNode.RefuseAsync);
        var refused = Assert.IsType<RouteEvent.Refused>(Assert.Single(await AskAsync(router, Choice(1))));
        Assert.IsType<RouteRefusal.DataExhausted>(refused.Refusal);
        Assert.Equal(0, Spent("global"));
    }

    [Fact]
    public async Task A_draw_after_one_that_may_have_happened_is_charged_again()
    {
        var router = await StartAsync("a", "b");
        _nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await AskAsync(router, Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(2.0, Spent("global"));
        AssertJournal("answered", 2, "b");
    }

    [Fact]
    public async Task A_failover_that_the_quota_cannot_pay_is_refused_with_the_first_draw_spent()
    {
        var router = await StartAsync("a", "b");
        _nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        var refused = Assert.IsType<RouteEvent.Refused>((await AskAsync(router, Choice(6)))[^1]);
        Assert.IsType<RouteRefusal.QuotaExhausted>(refused.Refusal);
        Assert.Equal(6.0, Spent("global"));
        AssertJournal("refused: quota", 6, "a");
    }

    [Fact]
    public async Task A_stream_that_has_shown_text_fails_instead_of_starting_again()
    {
        var router = await StartAsync("a", "b");
        _nodes[0].Script = ScriptedNode.BreakAfterTextAsync;
        var events = await AskAsync(router, Choice(1), buffered: false);
        Assert.IsType<RouteEvent.Failed>(events[^1]);
        Assert.Equal(0, _nodes[1].Asked);
        Assert.Equal(1.0, Spent("global"));
        AssertJournal("failed", 1, "a");
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Who_refuses_after_an_answer_has_begun_has_broken_off_and_is_charged(bool buffered)
    {
        var router = await StartAsync("a", "b");
        _nodes[0].Script = ScriptedNode.RefuseAfterTextAsync;
        var events = await AskAsync(router, Choice(1), buffered);
        if (buffered)
        {
            // Nothing of the first hospital's text is taken for the second's.
            Assert.Equal("yes", Assert.IsType<RouteEvent.Text>(events[0]).Value);
            Assert.IsType<RouteEvent.Completed>(events[^1]);
        }
        else
        {
            Assert.IsType<RouteEvent.Failed>(events[^1]);
        }

        Assert.Equal(buffered ? 2.0 : 1.0, Spent("global"));
    }

    [Fact]
    public async Task A_whole_answer_fails_over_also_after_text()
    {
        var router = await StartAsync("a", "b");
        _nodes[0].Script = ScriptedNode.BreakAfterTextAsync;
        var events = await AskAsync(router, Choice(1), buffered: true);
        Assert.Equal("yes", Assert.IsType<RouteEvent.Text>(events[0]).Value);
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>(events[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task A_dead_node_costs_nothing_since_the_question_never_left()
    {
        var router = await StartAsync("a", "b");
        await _nodes[0].DisposeAsync();
        _nodes.RemoveAt(0);
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await AskAsync(router, Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(1.0, Spent("global"));
    }

    [Fact]
    public async Task A_caller_who_leaves_after_admission_has_spent()
    {
        var router = await StartAsync("a");
        _nodes[0].Script = async (_, responses) =>
        {
            await responses.WriteAsync(new Protocol.AnswerEvent { Admitted = new Protocol.Admitted { Voters = 10 } });
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        };
        using var leaving = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var one in router.AskAsync(Choice(1), true, leaving.Token))
            {
                Assert.Fail("nothing comes");
            }
        });
        Assert.Equal(1.0, Spent("global"));
        Assert.Equal(0, _ledger.Find(AccountId.Global)!.Reserved.Value);
        AssertJournal("failed", 1, "a");
    }

    [Fact]
    public async Task A_node_with_another_hospitals_certificate_is_not_spoken_to()
    {
        var impostor = await ScriptedNode.StartAsync("a", _authority, certificateOf: "b");
        _nodes.Add(impostor);
        var router = Router([impostor.Endpoint]);
        await ProbeAsync();
        Assert.False(_directory!.Snapshots[0].Healthy);
        Assert.IsType<RouteRefusal.Unavailable>(Assert.IsType<RouteEvent.Refused>((await AskAsync(router, Choice(1)))[^1]).Refusal);
        Assert.Equal(0, impostor.Asked);
        Assert.Equal(0, Spent("global"));
    }

    [Fact]
    public async Task A_repeated_request_id_draws_nothing()
    {
        var router = await StartAsync("a");
        var question = Choice(1);
        await AskAsync(router, question);
        Assert.IsType<RouteRefusal.Duplicate>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await AskAsync(router, question))).Refusal);
        Assert.Equal(1.0, Spent("global"));
        Assert.Equal(1, _nodes[0].Asked);
    }

    [Fact]
    public async Task An_id_that_only_the_node_has_seen_is_a_duplicate_and_costs_no_quota()
    {
        var router = await StartAsync("a");
        _nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Refused = new Protocol.Refusal { Code = Protocol.RefusalCodes.DuplicateRequest, Message = "seen" } });
        var refusal = Assert.IsType<RouteRefusal.Duplicate>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await AskAsync(router, Choice(1)))).Refusal);
        Assert.Contains("new id", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, Spent("global"));
        AssertJournal("refused: duplicate", 0);
    }

    [Fact]
    public async Task An_id_whose_question_nobody_could_answer_may_ask_again()
    {
        var router = await StartAsync("a");
        _nodes[0].Script = ScriptedNode.RefuseAsync;
        var question = Choice(1);
        Assert.IsType<RouteRefusal.DataExhausted>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await AskAsync(router, question))).Refusal);
        _nodes[0].Script = ScriptedNode.AnswerAsync;
        Assert.IsType<RouteEvent.Completed>((await AskAsync(router, question))[^1]);
        Assert.IsType<RouteRefusal.Duplicate>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await AskAsync(router, question))).Refusal);
        Assert.Equal(1.0, Spent("global"));
    }

    [Fact]
    public async Task Several_answers_cost_as_much_as_several_questions_and_each_has_its_own_text()
    {
        var router = await StartAsync("a");
        var events = await AskAsync(router, Several(Choice(1), 3));
        Assert.Equal([(0, "yes"), (1, "yes"), (2, "yes")], events.OfType<RouteEvent.Text>().Select(text => (text.Answer, text.Value)));
        var completion = Assert.IsType<RouteEvent.Completed>(events[^1]).Completion;
        Assert.Equal((3.0, 3 * 0.125), (completion.Cost.Epsilon.Value, completion.Cost.Rho.Value));
        Assert.Equal((5, 3, 3), (completion.PromptTokens, completion.CompletionTokens, completion.Finishes.Count));
        Assert.Equal(3.0, Spent("global"));
        Assert.Equal(1, _nodes[0].Asked);
    }

    [Fact]
    public async Task Several_answers_are_held_together_or_not_at_all()
    {
        var router = await StartAsync("a");
        Assert.IsType<RouteRefusal.QuotaExhausted>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await AskAsync(router, Several(Choice(1), 11)))).Refusal);
        Assert.Equal(0, Spent("global"));
        Assert.Equal(0, _nodes[0].Asked);
        Assert.IsType<RouteEvent.Completed>((await AskAsync(router, Several(Choice(1), 10)))[^1]);
        Assert.Equal(10.0, Spent("global"));
    }

    [Fact]
    public async Task Several_decoded_answers_return_what_each_did_not_use()
    {
        var router = await StartAsync("a");
        await AskAsync(router, Decoding(1, maxTokens: 16));
        var one = Spent("global");
        await AskAsync(router, Several(Decoding(1, maxTokens: 16), 4));
        Assert.Equal(5 * one, Spent("global"), 1e-9);
    }

    [Theory, InlineData(-1), InlineData(2), InlineData(int.MaxValue)]
    public async Task A_node_that_answers_what_was_not_asked_has_broken_off(int answer)
    {
        var router = await StartAsync("a");
        _nodes[0].Script = async (request, responses) =>
        {
            await responses.WriteAsync(new Protocol.AnswerEvent { Text = "more", Answer = answer });
            await ScriptedNode.AnswerAsync(request, responses);
        };
        Assert.IsType<RouteEvent.Refused>((await AskAsync(router, Several(Choice(1), 2)))[^1]);
        Assert.Equal(2.0, Spent("global"));
    }

    [Fact]
    public async Task A_node_that_does_not_say_what_ran_is_charged_for_all_of_it()
    {
        var router = await StartAsync("a");
        _nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Completed = new Protocol.Completion { Voters = 10 } });
        Assert.Equal(2, Assert.IsType<RouteEvent.Completed>((await AskAsync(router, Several(Choice(1), 2)))[^1]).Completion.Finishes.Count);
        Assert.Equal(2.0, Spent("global"));
    }

    private static RoutedQuestion Several(RoutedQuestion question, int answers) => question with { Question = question.Question with { Answers = answers } };

    private async Task<FederatedRouter> StartAsync(params string[] ids)
    {
        foreach (var id in ids)
        {
            _nodes.Add(await ScriptedNode.StartAsync(id, _authority));
        }

        var router = Router(_nodes.Select(node => node.Endpoint));
        await ProbeAsync();
        Assert.All(_directory!.Snapshots, node => Assert.True(node.Healthy, node.Trouble));
        return router;
    }

    private Task ProbeAsync() => Task.WhenAll(_directory!.Links.Select(link => link.ProbeAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)));

    private FederatedRouter Router(IEnumerable<NodeEndpoint> endpoints)
    {
        var (certificate, key) = _authority.Issue(PeerIdentity.Router("test"));
        File.WriteAllText(Path.Combine(_folder, "link.pem"), certificate);
        File.WriteAllText(Path.Combine(_folder, "link.key"), key);
        File.WriteAllText(Path.Combine(_folder, "ca.pem"), _authority.Certificate.ExportCertificatePem());
        var credentials = PeerCredentials.Load(Path.Combine(_folder, "link.pem"), Path.Combine(_folder, "link.key"), Path.Combine(_folder, "ca.pem"));
        _directory = new NodeDirectory("test", endpoints, credentials, TimeProvider.System, NullLogger<NodeDirectory>.Instance);
        // In the order of names, so that a test knows who is asked first.
        return new FederatedRouter(
            _directory, new QuotaGate(_ledger, new TenEach()), [new FirstByName()], new RouterNoise(_random), new RoutingOptions { Strategy = "first" }, _journal, TimeProvider.System);
    }

    private static async Task<List<RouteEvent>> AskAsync(FederatedRouter router, RoutedQuestion question, bool buffered = true)
    {
        var events = new List<RouteEvent>();
        await foreach (var one in router.AskAsync(question, buffered, TestContext.Current.CancellationToken))
        {
            events.Add(one);
        }

        return events;
    }

    // One question is one line, whatever became of it, with all that was spent on it.
    private void AssertJournal(string outcome, double epsilon, params string[] nodes)
    {
        var line = Assert.Single(_journal.Lines);
        Assert.Equal((outcome, epsilon), (line.Outcome, line.Epsilon));
        Assert.Equal(nodes, line.Nodes);
    }

    private double Spent(string account) => _ledger.Find(new AccountId(account))?.Spent.ToDouble() ?? 0;

    private static RoutedQuestion Choice(double epsilon) => Ask(new Question
    {
        Messages = [new ChatMessage("user", "Is it so?")],
        Mechanism = AnswerMechanism.Choice,
        Choices = ["yes", "no"],
        Epsilon = new Epsilon(epsilon),
        Delta = new Delta(1e-6),
    });

    private static RoutedQuestion Decoding(double epsilon, int maxTokens) => Ask(new Question
    {
        Messages = [new ChatMessage("user", "Is it so?")],
        Mechanism = AnswerMechanism.PrivateDecoding,
        Epsilon = new Epsilon(epsilon),
        Delta = new Delta(1e-6),
        MaxTokens = maxTokens,
    });

    private static RoutedQuestion Ask(Question question) => new(
        Guid.NewGuid().ToString("N"), new Caller("alice", Roles.Clinician, "cardiology"), "treatment", ScriptedNode.Model, null, NoisePlace.Node, question);

    private sealed class FirstByName : INodeSelectionStrategy
    {
        public string Name => "first";

        public NodeSnapshot Choose(IReadOnlyList<NodeSnapshot> candidates) => candidates[0];
    }

    private sealed class TenEach : IQuotaPolicy
    {
        public double Delta => 1e-6;

        public double DefaultEpsilon(string department) => 1;

        public IReadOnlyList<AccountPolicy>? AccountsFor(string user, string department, string purpose) =>
            [Ten(AccountId.User(user)), Ten(AccountId.Department(department)), Ten(AccountId.Purpose(purpose)), Ten(AccountId.Global)];

        private static AccountPolicy Ten(AccountId id) => new(id, AccountKind.Quota, Composition.Basic, 10, 1e-6, ResetSchedule.Daily);
    }
}
