using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

/// <summary>What every engine behind a server promises beyond that: whatever the server does, the caller gets an answer or a named fault, and no secret shows.</summary>
public abstract class RemoteConformance : EngineConformance
{
    private const string Key = "a-key";
    private readonly FakeTimeProvider _clock = new();
    private ExchangeServer? _server;

    private protected ExchangeServer Server => _server ??= CreateServer();

    private protected abstract EngineKind Kind { get; }

    private protected abstract ExchangeServer CreateServer();

    /// <summary>A whole stream of the server, as its documentation says it.</summary>
    private protected abstract string WholeStream { get; }

    /// <summary>What the server writes when it fails in the middle of a stream.</summary>
    private protected abstract string StreamError { get; }

    /// <summary>One piece of a stream with this text.</summary>
    private protected abstract string Piece(string text);

    protected override async Task<IInferenceEngine> OpenAsync()
    {
        await Server.StartAsync();
        return await ConnectAsync();
    }

    private protected async Task<RemoteEngine> ConnectAsync(string model = "m", ScoreSource? scores = null) =>
        await RemoteEngine.ConnectAsync(new RemoteEngineOptions { Kind = Kind, BaseUrl = Server.BaseUrl, Model = model, ApiKey = Key, Scores = scores }, _clock, Cancellation);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Server.DisposeAsync();
    }

    [Fact]
    public void The_key_is_sent_to_the_server()
    {
        Assert.Equal("Bearer " + Key, Server.Authorization);
    }

    [Fact]
    public async Task Options_that_the_records_name_are_scored_best()
    {
        var scores = await Engine.ScoreAsync([new(Asked, []), new(Asked, ["He takes codeine and codeine ."]), new(Asked, ["bisoprolol bisoprolol daily"])], Drugs, Cancellation);
        Assert.Equal((2, 1), (Best(scores[1]), Best(scores[2])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{\"choices\":{}}")]
    [InlineData("{\"choices\":[null]}")]
    [InlineData("{\"choices\":[{\"logprobs\":null}]}")]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[]}}]}")]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[{\"top_logprobs\":[{\"token\":1,\"logprob\":-1},{\"token\":\"A\",\"logprob\":5},7]}]}}]}")]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[{\"top_logprobs\":[{\"token\":\"A\",\"logprob\":-1e999}]}]}}]}")]
    [InlineData("{\"message\":{\"content\":7},\"logprobs\":{}}")]
    [InlineData("{\"message\":{},\"logprobs\":[{\"top_logprobs\":\"A\"}],\"completion_probabilities\":[[]],\"tokens\":3}")]
    [InlineData("{\"\\ud800\":1}")]
    [InlineData("{\"\\ud800\":1,\"choices\":[{}],\"message\":{},\"tokens\":{}}")]
    [InlineData("{\"choices\":[{\"message\":{\"content\":\"\\ud800\"},\"logprobs\":{\"top_logprobs\":[{\"\\ud800\":-1}]}}],\"message\":{\"content\":\"\\ud800\"}}")]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[{\"top_logprobs\":[{\"token\":\"\\udc00\",\"logprob\":-1}]}]}}]}")]
    public async Task A_hostile_answer_is_a_named_fault(string answer)
    {
        Replace(context => context.Response.WriteAsync(answer));
        Assert.Equal(EngineFault.Malformed, (await FaultAsync()).Fault);
        if (Engine.Capabilities.Tokenizes)
        {
            Assert.Equal(EngineFault.Malformed, (await Assert.ThrowsAsync<EngineException>(() => Engine.TokenizeAsync("drug", Cancellation))).Fault);
        }
    }

    [Theory, InlineData(400), InlineData(401), InlineData(404), InlineData(429), InlineData(500), InlineData(503)]
    public async Task A_refusal_is_a_named_fault_with_its_status(int status)
    {
        Replace(context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("{\"error\":{\"message\":\"Which drug\"}}");
        });
        var error = await FaultAsync();
        Assert.Equal((EngineFault.Refused, status), (error.Fault, error.Status));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        Replace(context =>
        {
            context.Response.Redirect("http://127.0.0.1:1/v1/elsewhere");
            return Task.CompletedTask;
        });
        Assert.Equal(EngineFault.Refused, (await FaultAsync()).Fault);
    }

    [Fact]
    public async Task Too_long_an_answer_silence_and_a_broken_connection_are_named_faults()
    {
        Replace(async context =>
        {
            for (var i = 0; i < 20 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.WriteAsync(new string(' ', 1 << 20));
            }
        });
        Assert.Equal(EngineFault.Oversized, (await FaultAsync()).Fault);
        Replace(SilenceAsync);
        Assert.Equal(EngineFault.Timeout, (await FaultAsync()).Fault);
        Replace(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        Assert.Equal(EngineFault.Unreachable, (await FaultAsync()).Fault);
    }

    [Fact]
    public async Task A_stream_cut_anywhere_before_its_end_is_no_answer()
    {
        for (var length = 0; length < WholeStream.Length; length++)
        {
            var part = WholeStream[..length];
            Replace(context => context.Response.WriteAsync(part));
            Assert.Equal(EngineFault.Unreachable, (await StreamFaultAsync()).Fault);
        }
    }

    [Fact]
    public async Task A_stream_may_come_byte_by_byte()
    {
        Replace(async context =>
        {
            foreach (var value in System.Text.Encoding.UTF8.GetBytes(WholeStream))
            {
                await context.Response.Body.WriteAsync(new[] { value });
                await context.Response.Body.FlushAsync();
            }
        });
        Assert.Equal("Zürich", string.Concat((await StreamAsync()).Select(piece => piece.Text)));
    }

    [Fact]
    public async Task A_stream_that_fails_is_broken_too_long_or_stands_still_is_a_named_fault()
    {
        await IsAsync(EngineFault.Refused, context => context.Response.WriteAsync(Piece("Take") + StreamError));
        await IsAsync(EngineFault.Malformed, context => context.Response.WriteAsync(Piece("Take") + Piece("rest").Replace("}", "", StringComparison.Ordinal)));
        await IsAsync(EngineFault.Oversized, context => context.Response.WriteAsync(Piece(new string('a', (1 << 20) + 1))));
        await IsAsync(EngineFault.Oversized, async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(Piece(new string('a', 100)));
            }
        });
        await IsAsync(EngineFault.Timeout, async context =>
        {
            await context.Response.WriteAsync(Piece("Take"));
            await context.Response.Body.FlushAsync();
            await SilenceAsync(context);
        });
        await IsAsync(EngineFault.Refused, context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        });

        async Task IsAsync(EngineFault fault, Func<HttpContext, Task> answer)
        {
            Replace(answer);
            Assert.Equal(fault, (await StreamFaultAsync()).Fault);
        }
    }

    [Fact]
    public async Task Leaving_a_stream_tells_the_server_to_stop()
    {
        Replace(async context =>
        {
            await context.Response.WriteAsync(Piece("Take"));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        await foreach (var piece in Engine.GenerateAsync(new(Asked, []), Greedy(), Cancellation))
        {
            Assert.Equal("Take", piece.Text);
            break;
        }

        await Server.Left.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
    }

    [Fact]
    public async Task An_engine_that_cannot_be_asked_is_not_ready_and_that_is_an_answer()
    {
        Replace(context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        var failing = await Engine.StatusAsync(Cancellation);
        Assert.False(failing.Ready);
        await Server.DisposeAsync();
        var gone = await Engine.StatusAsync(Cancellation);
        Assert.False(gone.Ready);
        Assert.Contains("cannot be reached", gone.Trouble, StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<EngineException>(() => ConnectAsync());
        Assert.Equal(EngineFault.Unreachable, error.Fault);
    }

    [Fact]
    public async Task Records_that_upset_the_server_in_any_way_make_a_voter_read_the_public_context_and_no_error()
    {
        var (status, abort, text) = (400, false, string.Empty);
        Server.Instead = async (context, body) =>
        {
            var poisoned = body?.ToJsonString().Contains("poison", StringComparison.Ordinal) == true;
            context.Response.StatusCode = poisoned ? status : 200;
            if (poisoned && abort)
            {
                context.Abort();
            }
            else if (poisoned)
            {
                await context.Response.WriteAsync(text);
            }

            return poisoned;
        };
        foreach (var next in new[] { (400, false, ""), (500, false, ""), (200, false, ""), (200, true, ""), (200, false, "{\"\\ud800\":1}") })
        {
            (status, abort, text) = next;
            var scores = await Engine.ScoreAsync([new(Asked, []), new(Asked, ["poison"])], Drugs, Cancellation);
            Assert.Equal(scores[0], scores[1]);
            if (Engine.Capabilities.Logits)
            {
                await using var batch = await Engine.OpenDecodingAsync([new(Asked, []), new(Asked, ["poison"])], 8, Cancellation);
                Assert.True(batch.Logits(0).SequenceEqual(batch.Logits(1)) || text.Length > 0);
            }
        }
    }

    private protected static int Best(IReadOnlyList<OptionScore> row) => row.Index().MaxBy(score => score.Item.LogLikelihood).Index;

    private protected void Replace(Func<HttpContext, Task> answer) => Server.Instead = async (context, _) =>
    {
        await answer(context);
        return true;
    };

    private async Task SilenceAsync(HttpContext context)
    {
        // Until the caller gives up, the clock goes on: its deadline may begin after this call came.
        while (!context.RequestAborted.IsCancellationRequested)
        {
            _clock.Advance(TimeSpan.FromMinutes(3));
            await Task.Delay(20);
        }
    }

    private async Task<EngineException> FaultAsync() => Silent(await Assert.ThrowsAsync<EngineException>(() => Engine.ScoreAsync([new(Asked, [])], Drugs, Cancellation)));

    private async Task<EngineException> StreamFaultAsync() => Silent(await Assert.ThrowsAsync<EngineException>(StreamAsync));

    private static EngineException Silent(EngineException error)
    {
        Assert.DoesNotContain("drug", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, error.ToString(), StringComparison.Ordinal);
        return error;
    }
}
