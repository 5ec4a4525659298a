using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;

namespace FederatedDpLlm.Tests.Inference.Engines;

/// <summary>A hospital's answers over an engine behind a server.</summary>
public sealed class RemoteEngineTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_whole_private_answer_runs_over_a_server()
    {
        await using var server = new VllmExchanges();
        using var engine = await ConnectAsync(server, EngineKind.Vllm);
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
        Assert.Equal(3, open.Completion!.Tokens);
    }

    [Fact]
    public async Task Where_the_server_shows_texts_only_private_decoding_draws_among_whole_characters()
    {
        await using var server = new VllmExchanges();
        using var engine = await ConnectAsync(server, EngineKind.Vllm);
        ChatMessage[] asked = [new("user", "Which drug does the patient take?")];
        await using var batch = await engine.OpenDecodingAsync([new(asked, []), new(asked, ["say no"])], 8, Token);

        // The public call gives "y", "n", "</s>" and part of a character, which is no candidate; the voter's gives "n" and "</s>" but no "y".
        Assert.Equal(3, batch.Candidates.Count);
        Assert.Equal([-0.1f, -3f, -6f], batch.Logits(0).ToArray());
        Assert.Equal([float.NaN, -0.1f, -6f], batch.Logits(1).ToArray());
        foreach (var expected in new[] { "y", "ye", "yes" })
        {
            await batch.AppendAsync(batch.Candidates[0], Token);
            Assert.Equal(expected, batch.Text);
        }

        Assert.True(batch.IsEnd(batch.Candidates[0]));
    }

    [Fact]
    public async Task Whatever_a_voters_call_throws_it_reads_what_the_public_context_read_unless_the_caller_has_left()
    {
        Exception[] faults = [new EngineException(EngineFault.Malformed, "m"), new InvalidOperationException("no text"), new TaskCanceledException(), new OutOfMemoryException()];
        foreach (var fault in faults)
        {
            Assert.Equal(7, await RemoteEngine.OrAsync(Task.FromException<int>(fault), 7, Token));
        }

        var left = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RemoteEngine.OrAsync(Task.FromCanceled<int>(left), 7, left));
    }

    [Fact]
    public async Task A_question_that_the_engine_cannot_answer_is_refused_with_what_to_do()
    {
        await using var server = new OpenAiExchanges { LogProbabilities = false };
        using var engine = await ConnectAsync(server, EngineKind.OpenAi);
        var answering = TestHospital.Answering([TestHospital.Record("p", "codeine drug")], 40, engine);
        var refusal = answering.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding, 8)).Refusal!;
        Assert.Contains("needs token log-probabilities", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("privacy.choices", refusal.Message, StringComparison.Ordinal);
        Assert.NotNull(answering.Plan(TestHospital.Ask(AnswerMechanism.Choice)).Plan);
    }

    [Theory]
    [InlineData("http://ward:secret@127.0.0.1:8000/v1?key=secret#secret", "m at http://127.0.0.1:8000/v1")]
    [InlineData("https://models.example/v1", "m at https://models.example/v1")]
    public void Options_show_the_server_and_the_model_and_no_key(string address, string shown)
    {
        Assert.Equal(shown, new RemoteEngineOptions { Kind = EngineKind.OpenAi, BaseUrl = new Uri(address), Model = "m", ApiKey = "secret" }.ToString());
    }

    private static async Task<RemoteEngine> ConnectAsync(ExchangeServer server, EngineKind kind)
    {
        await server.StartAsync();
        return await RemoteEngine.ConnectAsync(new RemoteEngineOptions { Kind = kind, BaseUrl = server.BaseUrl, Model = "m" }, TimeProvider.System, Token);
    }
}
