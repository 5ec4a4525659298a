using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.OpenAi;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Kind = FederatedDpLlm.Tests.Inference.Engines.OpenAiTestServer.Kind;

namespace FederatedDpLlm.Tests.Inference.Engines;

public sealed class OpenAiCompatibleEngineTests
{
    private static readonly ChatMessage[] Asked = [new("user", "Which drug does the patient take?")];
    private static readonly string[] Drugs = ["aspirin", "bisoprolol", "codeine"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Kind.Vllm, null, ScoreSource.LetterLogProbabilities, true)]
    [InlineData(Kind.Vllm, ScoreSource.Likelihoods, ScoreSource.Likelihoods, true)]
    [InlineData(Kind.LlamaCpp, null, ScoreSource.LetterLogProbabilities, true)]
    [InlineData(Kind.Ollama, null, ScoreSource.AnsweredLetter, false)]
    internal async Task What_an_endpoint_offers_is_found_out_and_options_are_scored_with_it(Kind kind, ScoreSource? wanted, ScoreSource found, bool logits)
    {
        await using var server = await OpenAiTestServer.StartAsync(kind);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server, wanted), TimeProvider.System, Token);
        Assert.Equal((found, true, logits), (engine.Capabilities.ScoreSource, engine.Capabilities.Scores, engine.Capabilities.Logits));
        var scores = await engine.ScoreAsync([new(Asked, []), new(Asked, ["He takes codeine and codeine ."]), new(Asked, ["bisoprolol bisoprolol daily"])], Drugs, Token);
        Assert.All(scores, row => Assert.All(row, score => Assert.True(score is { LogLikelihood: <= 0, Tokens: > 0 } && double.IsFinite(score.LogLikelihood))));
        Assert.Equal((2, 1), (Best(scores[1]), Best(scores[2])));
        Assert.Equal("Bearer a-key", server.Authorization);
    }

    [Theory, InlineData(Kind.Vllm), InlineData(Kind.LlamaCpp)]
    internal async Task Private_decoding_draws_among_the_public_calls_candidates(Kind kind)
    {
        await using var server = await OpenAiTestServer.StartAsync(kind);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        await using var batch = await engine.OpenDecodingAsync([new(Asked, []), new(Asked, ["say no"])], 8, Token);

        // The public call gives "y", "n", "</s>" and part of a character, which is no candidate; the voter's gives "n" and "</s>" but no "y".
        Assert.Equal(3, batch.Candidates.Count);
        Assert.Equal([-0.1f, -3f, -4f], batch.Logits(0).ToArray());
        Assert.Equal([float.NaN, -0.1f, -4f], batch.Logits(1).ToArray());
        foreach (var expected in new[] { "y", "ye", "yes" })
        {
            await batch.AppendAsync(batch.Candidates[0], Token);
            Assert.Equal(expected, batch.Text);
        }

        Assert.True(batch.IsEnd(batch.Candidates[0]));
    }

    [Fact]
    public async Task A_whole_private_answer_runs_over_an_endpoint()
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        var answering = TestHospital.Answering([TestHospital.Record("p", "codeine drug"), TestHospital.Record("q", "say no drug")], 40, engine);
        var decoding = TestHospital.Ask(AnswerMechanism.PrivateDecoding, 8) with { Temperature = 0.1 };
        var (text, completion) = await TestHospital.ReadAsync(answering.AnswerAsync(answering.Plan(decoding).Plan!, Token));
        Assert.NotNull(completion);
        Assert.InRange(text.Length, 0, 4 * decoding.MaxTokens);
        Assert.Equal("logit_bias", answering.Plan(decoding with { LogitBias = new Dictionary<int, double> { [1] = 1 } }).Refusal!.Parameter);
        var votes = await answering.VoteAsync(answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.Choice), 40).Plan!, Token);
        Assert.Equal((40, 1L), (votes.Voters, votes.Counts[2]));
        var open = await TestHospital.ReadAsync(answering.AnswerAsync(answering.Plan(TestHospital.Ask(AnswerMechanism.Public)).Plan!, Token));
        Assert.Equal("Take rest.", open.Text);
    }

    [Fact]
    public async Task Records_that_upset_the_endpoint_make_a_voter_read_the_public_context_and_no_error()
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        server.Instead = (context, body) =>
        {
            context.Response.StatusCode = body.ToJsonString().Contains("poison", StringComparison.Ordinal) ? 400 : 200;
            return Task.FromResult(context.Response.StatusCode == 400);
        };
        var scores = await engine.ScoreAsync([new(Asked, []), new(Asked, ["poison"])], Drugs, Token);
        Assert.Equal(scores[0], scores[1]);
        await using var batch = await engine.OpenDecodingAsync([new(Asked, []), new(Asked, ["poison"])], 8, Token);
        Assert.Equal(batch.Logits(0).ToArray(), batch.Logits(1).ToArray());
    }

    [Theory]
    [InlineData("", EngineFault.Malformed)]
    [InlineData("{", EngineFault.Malformed)]
    [InlineData("[]", EngineFault.Malformed)]
    [InlineData("{\"choices\":{}}", EngineFault.Malformed)]
    [InlineData("{\"choices\":[]}", EngineFault.Malformed)]
    [InlineData("{\"choices\":[{\"logprobs\":null}]}", EngineFault.Malformed)]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[]}}]}", EngineFault.Malformed)]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[{\"top_logprobs\":[{\"token\":1,\"logprob\":-1},{\"token\":\"A\",\"logprob\":5},7]}]}}]}", EngineFault.Malformed)]
    [InlineData("{\"choices\":[{\"logprobs\":{\"content\":[{\"top_logprobs\":[{\"token\":\"A\",\"logprob\":-1e999}]}]}}]}", EngineFault.Malformed)]
    public async Task A_hostile_answer_is_a_typed_error(string answer, EngineFault fault)
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        server.Instead = async (context, _) =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.ScoreAsync([new(Asked, [])], Drugs, Token));
        Assert.Equal(fault, error.Fault);
        Assert.DoesNotContain("drug", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_long_an_answer_a_redirect_an_error_status_and_silence_are_typed_errors()
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        var clock = new FakeTimeProvider();
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), clock, Token);
        await FailsAsync(EngineFault.Malformed, async context =>
        {
            for (var i = 0; i < 20 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.WriteAsync(new string(' ', 1 << 20));
            }
        });
        await FailsAsync(EngineFault.Refused, context =>
        {
            context.Response.Redirect("http://127.0.0.1:1/v1/elsewhere");
            return Task.CompletedTask;
        });
        await FailsAsync(EngineFault.Refused, context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        });
        await FailsAsync(EngineFault.Timeout, async context =>
        {
            clock.Advance(TimeSpan.FromMinutes(3));
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        });
        await FailsAsync(EngineFault.Unreachable, context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });

        async Task FailsAsync(EngineFault fault, Func<HttpContext, Task> answer)
        {
            server.Instead = async (context, _) =>
            {
                await answer(context);
                return true;
            };
            Assert.Equal(fault, (await Assert.ThrowsAsync<EngineException>(() => engine.ScoreAsync([new(Asked, [])], Drugs, Token))).Fault);
        }
    }

    [Fact]
    public async Task A_stream_without_end_or_sense_is_a_typed_error_and_cancellation_is_none()
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        var options = new GenerationOptions(8, new SamplingParameters(), []);
        server.Instead = async (context, _) =>
        {
            await context.Response.WriteAsync("data: {broken\n\n");
            return true;
        };
        var error = await Assert.ThrowsAsync<EngineException>(() => DrainAsync(engine.GenerateAsync(new(Asked, []), options, Token)));
        Assert.Equal(EngineFault.Malformed, error.Fault);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.ScoreAsync([new(Asked, [])], Drugs, cancelled.Token));
    }

    [Fact]
    public async Task A_stream_cut_anywhere_before_its_end_is_a_typed_error_and_bytes_may_arrive_one_by_one()
    {
        const string whole = "data: {\"choices\":[{\"delta\":{\"content\":\"Rest\"}}]}\r\n\r\n: still here\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]";
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        for (var length = 0; length < whole.Length; length++)
        {
            var part = whole[..length];
            Assert.Equal(EngineFault.Unreachable, (await FailsOnAsync(server, engine, part)).Fault);
        }

        server.Instead = async (context, _) =>
        {
            foreach (var character in whole)
            {
                await context.Response.WriteAsync(character.ToString());
                await context.Response.Body.FlushAsync();
            }

            return true;
        };
        await DrainAsync(engine.GenerateAsync(new(Asked, []), new GenerationOptions(8, new SamplingParameters(), []), Token));
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\ndata: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[]}\n\ndata: {\"error\":\"the runner has stopped\"}\n\ndata: [DONE]\n\n")]
    [InlineData("error: {\"code\":500,\"message\":\"context shift is disabled\"}\n\n")]
    public async Task An_engine_that_fails_while_it_streams_is_a_typed_error_and_no_short_answer(string answer)
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        Assert.Equal(EngineFault.Refused, (await FailsOnAsync(server, engine, answer)).Fault);
    }

    [Fact]
    public async Task Private_decoding_without_log_probabilities_is_refused_with_what_to_do()
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Ollama);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => engine.OpenDecodingAsync([new(Asked, [])], 8, Token));
        Assert.Contains("needs log-probabilities", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("a-key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sampling_parameters_travel_only_where_they_were_asked_for()
    {
        await using var server = await OpenAiTestServer.StartAsync(Kind.Vllm);
        using var engine = await OpenAiCompatibleEngine.ConnectAsync(Options(server), TimeProvider.System, Token);
        await DrainAsync(engine.GenerateAsync(new(Asked, []), new GenerationOptions(8, new SamplingParameters { TopK = 5, PresencePenalty = 0.5 }, ["END"]), Token));
        var body = server.Bodies[^1];
        Assert.Equal((5, 0.5, "END"), ((int)body["top_k"]!, (double)body["presence_penalty"]!, (string)body["stop"]![0]!));
        Assert.False(body.ContainsKey("top_p") || body.ContainsKey("min_p") || body.ContainsKey("logit_bias"));
    }

    [Fact]
    public async Task Nobody_listening_is_a_typed_error_and_options_do_not_print_the_key()
    {
        var options = new OpenAiEngineOptions { BaseUrl = new Uri("http://127.0.0.1:9/v1"), Model = "m", ApiKey = "a-key" };
        Assert.DoesNotContain("a-key", options.ToString(), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<EngineException>(() => OpenAiCompatibleEngine.ConnectAsync(options, TimeProvider.System, Token));
        Assert.Equal(EngineFault.Unreachable, error.Fault);
    }

    private static async Task<EngineException> FailsOnAsync(OpenAiTestServer server, OpenAiCompatibleEngine engine, string answer)
    {
        server.Instead = async (context, _) =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };
        return await Assert.ThrowsAsync<EngineException>(() => DrainAsync(engine.GenerateAsync(new(Asked, []), new GenerationOptions(8, new SamplingParameters(), []), Token)));
    }

    private static OpenAiEngineOptions Options(OpenAiTestServer server, ScoreSource? scores = null) =>
        new() { BaseUrl = server.BaseUrl, Model = "m", ApiKey = "a-key", Scores = scores };

    private static int Best(IReadOnlyList<OptionScore> row) => row.Index().MaxBy(score => score.Item.LogLikelihood).Index;

    private static async Task DrainAsync(IAsyncEnumerable<GeneratedText> pieces)
    {
        await foreach (var piece in pieces)
        {
            // Text, or how it ended.
            Assert.True(piece.Text.Length > 0 == (piece.Finish is null));
        }
    }
}
