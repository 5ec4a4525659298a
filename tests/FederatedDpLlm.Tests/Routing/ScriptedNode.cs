using System.Net;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>A node over real mutual TLS whose answers a test writes down: what the router does with a refusal, a break or a lie.</summary>
internal sealed class ScriptedNode : HospitalNode.HospitalNodeBase, IAsyncDisposable
{
    public const string Model = "scripted";
    // Whose script is running: a node refuses in its own name.
    private static readonly AsyncLocal<string> Answering = new();
    private readonly WebApplication _app;
    private int _asked;

    private ScriptedNode(string id, WebApplication app)
    {
        Id = id;
        _app = app;
    }

    public string Id { get; }

    public NodeEndpoint Endpoint => new() { Id = Id, Address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() };

    /// <summary>The weights of every node that says nothing else.</summary>
    public static string Digest { get; } = new('a', ModelDigest.Length);

    public int Asked => Volatile.Read(ref _asked);

    /// <summary>What the node does with a question; by default it answers "yes" after two tokens of four.</summary>
    public Func<AnswerRequest, IServerStreamWriter<AnswerEvent>, Task> Script { get; set; } = AnswerAsync;

    /// <summary>What the node does with a question whose noise the router draws; by default all its voters vote for the first choice.</summary>
    public Func<IAsyncStreamReader<ContributionRequest>, IServerStreamWriter<ContributionEvent>, Task> Contribution { get; set; } = VoteAsync;

    /// <summary>What the node says of itself.</summary>
    public Action<NodeStatus> Describe { get; set; } = _ => { };

    public static async Task<ScriptedNode> StartAsync(string id, FederationAuthority authority, string? certificateOf = null)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-scripted-").FullName;
        var credentials = authority.IssueInto(folder, PeerIdentity.Hospital(authority.Federation, certificateOf ?? id));
        Directory.Delete(folder, true);

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(https => FederationTls.ConfigureServer(https, credentials, PeerIdentity.Router(authority.Federation)));
        }));
        builder.Services.AddGrpc();
        // A question that a test left open must not hold up its end.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        ScriptedNode? node = null;
        builder.Services.AddSingleton(_ => node!);
        var app = builder.Build();
        app.MapGrpcService<ScriptedNode>();
        node = new ScriptedNode(id, app);
        await app.StartAsync();
        return node;
    }

    public override Task<NodeStatus> GetStatus(StatusRequest request, ServerCallContext context)
    {
        var status = new NodeStatus { Hospital = Id, Model = Model, Voters = 10, Scores = true, Logits = true, RouterNoiseAllowed = true, ModelDigest = Digest };
        status.Accounts.Add(new Account { Id = $"data:{Id}/all", Currency = "rho", BudgetUnits = 1000 });
        Describe(status);
        return Task.FromResult(status);
    }

    public override Task Answer(AnswerRequest request, IServerStreamWriter<AnswerEvent> responseStream, ServerCallContext context)
    {
        Interlocked.Increment(ref _asked);
        Answering.Value = Id;
        return Script(request, responseStream);
    }

    public override Task Contribute(IAsyncStreamReader<ContributionRequest> requestStream, IServerStreamWriter<ContributionEvent> responseStream, ServerCallContext context)
    {
        Interlocked.Increment(ref _asked);
        return Contribution(requestStream, responseStream);
    }

    public static Task VoteAsync(IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses) => VoteAsync(requests, responses, 10, Digest);

    /// <summary>One step, and the end after the router's token.</summary>
    public static async Task DecodeAsync(IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses)
    {
        await requests.MoveNext(CancellationToken.None);
        await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { ModelDigest = Digest, Voters = 10 } });
        if (!await requests.MoveNext(CancellationToken.None) || requests.Current.Proceed is null)
        {
            return;
        }

        await responses.WriteAsync(new ContributionEvent { Step = DecodingStepWire.ToWire(new FederatedDpLlm.Inference.DecodingStep([1, 2], [1, 0], [0, 0], 10), string.Empty) });
        await requests.MoveNext(CancellationToken.None);
        await responses.WriteAsync(new ContributionEvent { Completed = new Completion { PromptTokens = 5, Voters = 10 } });
    }

    /// <param name="requests">From the router.</param>
    /// <param name="responses">To the router.</param>
    /// <param name="voters">That the node admits the question with.</param>
    /// <param name="digest">Of the model that it admits the question with.</param>
    public static async Task VoteAsync(IAsyncStreamReader<ContributionRequest> requests, IServerStreamWriter<ContributionEvent> responses, int voters, string digest)
    {
        await requests.MoveNext(CancellationToken.None);
        var question = requests.Current.Open.Request.Question;
        await responses.WriteAsync(new ContributionEvent { Admitted = new Admitted { ModelDigest = digest, Voters = voters } });
        if (!await requests.MoveNext(CancellationToken.None) || requests.Current.Proceed is null)
        {
            return;
        }

        var votes = new Votes();
        votes.Counts.AddRange(question.Choices.Select((_, option) => option == 0 ? (long)voters : 0));
        votes.Tokens.AddRange(question.Choices.Select(_ => 1));
        await responses.WriteAsync(new ContributionEvent { Votes = votes });
        await responses.WriteAsync(new ContributionEvent { Completed = new Completion { PromptTokens = 5, Voters = voters } });
    }

    public static async Task AnswerAsync(AnswerRequest request, IServerStreamWriter<AnswerEvent> responses)
    {
        await responses.WriteAsync(new AnswerEvent { Admitted = new Admitted { ModelDigest = Digest, Voters = 10 } });
        for (var answer = 0; answer < request.Question.Answers; answer++)
        {
            await responses.WriteAsync(new AnswerEvent { Text = "yes", Answer = answer });
        }

        var completion = new Completion { PromptTokens = 5, Voters = 10 };
        completion.Answers.AddRange(Enumerable.Range(0, request.Question.Answers).Select(_ => new FinishedAnswer { Releases = 1, Tokens = 1, FinishReason = "stop" }));
        await responses.WriteAsync(new AnswerEvent { Completed = completion });
    }

    /// <summary>A whole answer, and then a refusal that would have it for free.</summary>
    public static async Task RefuseAfterTextAsync(AnswerRequest request, IServerStreamWriter<AnswerEvent> responses)
    {
        await responses.WriteAsync(new AnswerEvent { Admitted = new Admitted { ModelDigest = Digest, Voters = 10 } });
        await responses.WriteAsync(new AnswerEvent { Text = "yes" });
        await RefuseAsync(request, responses);
    }

    public static async Task RefuseAsync(AnswerRequest request, IServerStreamWriter<AnswerEvent> responses) => await responses.WriteAsync(new AnswerEvent
    {
        Refused = new Refusal { Code = RefusalCodes.DataBudgetExhausted, Message = "spent", Account = new Account { Id = $"data:{Answering.Value}/all", Currency = "rho", BudgetUnits = 10, SpentUnits = 10 } },
    });

    public static async Task BreakAfterAdmissionAsync(AnswerRequest request, IServerStreamWriter<AnswerEvent> responses)
    {
        await responses.WriteAsync(new AnswerEvent { Admitted = new Admitted { ModelDigest = Digest, Voters = 10 } });
        throw new InvalidOperationException("the node dies here");
    }

    public static async Task BreakAfterTextAsync(AnswerRequest request, IServerStreamWriter<AnswerEvent> responses)
    {
        await responses.WriteAsync(new AnswerEvent { Admitted = new Admitted { ModelDigest = Digest, Voters = 10 } });
        await responses.WriteAsync(new AnswerEvent { Text = "yes" });
        throw new InvalidOperationException("the node dies here");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
