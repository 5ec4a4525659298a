using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Sampling;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

/// <summary>What every engine promises, whatever stands behind it. What one does not offer it has to refuse with a sentence that says what to do.</summary>
public abstract class EngineConformance : IAsyncLifetime
{
    private const int MaxTokens = 12;
    private protected static readonly ChatMessage[] Asked = [new("user", "Which drug does the patient take?")];
    private protected static readonly string[] Drugs = ["aspirin", "bisoprolol", "codeine"];
    private static readonly ChatContext Public = new(Asked, []);
    private static readonly ChatContext Told = new([new("user", "Patient 7 has fever and takes 2 tablets. What next?")], []);
    private static readonly ChatContext Voter = new(Asked, ["The patient takes codeine and codeine again."]);

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected IInferenceEngine Engine { get; private set; } = null!;

    /// <summary>Whether the engine says how long its context is.</summary>
    protected virtual bool KnowsItsContext => true;

    /// <summary>Whether its logits are log-probabilities, which add up to at most 1.</summary>
    protected virtual bool Normalised => true;

    /// <summary>Opens the engine under test.</summary>
    protected abstract Task<IInferenceEngine> OpenAsync();

    public async ValueTask InitializeAsync() => Engine = await OpenAsync();

    public virtual ValueTask DisposeAsync()
    {
        (Engine as IDisposable)?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_engine_is_ready_and_says_what_it_serves()
    {
        var status = await Engine.StatusAsync(Cancellation);
        Assert.True(status.Ready, status.Trouble);
        Assert.NotEmpty(status.Model);
        Assert.Null(status.Trouble);
        Assert.Equal(KnowsItsContext, status.ContextTokens > 0);
        Assert.Equal(KnowsItsContext, Engine.Capabilities.ContextTokens > 0);
        Assert.Equal(KnowsItsContext, Engine.CountTokens(Asked) > 0);
        Assert.True(status is { Slots: null or > 0, Running: null or >= 0, Waiting: null or >= 0 });
    }

    [Fact]
    public async Task A_stream_gives_text_and_at_its_end_how_it_ended_and_what_it_took()
    {
        var pieces = await StreamAsync();
        Assert.All(pieces.SkipLast(1), piece => Assert.True(piece is { Finish: null, Usage: null }));
        Assert.True(pieces[^1] is { Finish: not null, Usage.PromptTokens: > 0 });
        Assert.InRange(pieces[^1].Usage!.AnswerTokens, 1, MaxTokens);
        Assert.InRange(pieces.Sum(piece => piece.Tokens), 1, MaxTokens);
        Assert.NotEmpty(string.Concat(pieces.Select(piece => piece.Text)));
    }

    [Fact]
    public async Task A_stream_may_be_left_or_cancelled_and_the_engine_goes_on_answering()
    {
        await foreach (var piece in Engine.GenerateAsync(Told, Greedy(), Cancellation))
        {
            Assert.NotNull(piece);
            break;
        }

        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var piece in Engine.GenerateAsync(Told, Greedy(), leaving.Token))
            {
                Assert.NotNull(piece);
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Engine.ScoreAsync([Public], Drugs, leaving.Token));
        Assert.NotEmpty(await StreamAsync());
    }

    [Fact]
    public async Task Every_option_is_scored_in_every_context_and_equal_contexts_alike()
    {
        Assert.True(Engine.Capabilities.Scores);
        var scores = await Engine.ScoreAsync([Public, Voter, Public], Drugs, Cancellation);
        Assert.Equal(3, scores.Count);
        Assert.All(scores, row => Assert.Equal(Drugs.Length, row.Count));
        Assert.All(scores, row => Assert.All(row, score => Assert.True(score is { LogLikelihood: <= 0, Tokens: > 0 } && double.IsFinite(score.LogLikelihood))));
        Assert.Equal(scores[0], scores[2]);
        Assert.NotEqual(scores[0], scores[1]);
    }

    [Fact]
    public async Task Private_decoding_gets_log_probabilities_token_by_token_or_is_told_what_to_do()
    {
        if (!Engine.Capabilities.Logits)
        {
            var refusal = await Assert.ThrowsAsync<NotSupportedException>(() => Engine.OpenDecodingAsync([Public], 4, Cancellation));
            Assert.Contains("needs log-probabilities", refusal.Message, StringComparison.Ordinal);
            return;
        }

        await using var batch = await Engine.OpenDecodingAsync([Public, Voter], 4, Cancellation);
        await using var fork = batch.Fork();
        var before = batch.Logits(0).ToArray();
        Demand(batch);
        var token = batch.Candidates.First(candidate => !batch.IsEnd(candidate));
        await batch.AppendAsync(token, Cancellation);
        Demand(batch);
        Assert.Equal(before, fork.Logits(0).ToArray());
        Assert.Equal("", fork.Text);
        await fork.AppendAsync(token, Cancellation);
        Assert.Equal(batch.Logits(1).ToArray(), fork.Logits(1).ToArray());
        Assert.Equal(batch.Text, fork.Text);
    }

    [Fact]
    public async Task Text_becomes_token_numbers_or_it_is_said_who_can()
    {
        if (!Engine.Capabilities.Tokenizes)
        {
            var refusal = await Assert.ThrowsAsync<NotSupportedException>(() => Engine.TokenizeAsync("fever", Cancellation));
            Assert.Contains("vllm", refusal.Message, StringComparison.OrdinalIgnoreCase);
            return;
        }

        var tokens = await Engine.TokenizeAsync("fever since 3 days", Cancellation);
        Assert.NotEmpty(tokens);
        Assert.All(tokens, token => Assert.True(token >= 0));
        Assert.Equal(tokens, await Engine.TokenizeAsync("fever since 3 days", Cancellation));
        Assert.Empty(await Engine.TokenizeAsync("", Cancellation));
    }

    [Fact]
    public async Task An_adapter_is_refused_with_what_to_do_where_the_engine_takes_none()
    {
        if (!Engine.Capabilities.Adapters)
        {
            var refusal = await Assert.ThrowsAsync<NotSupportedException>(() => Engine.LoadAdapterAsync("ward-notes", "lora/ward-notes.gguf", Cancellation));
            Assert.Contains("adapter", refusal.Message, StringComparison.Ordinal);
        }
    }

    private protected async Task<List<GeneratedText>> StreamAsync() => await Engine.GenerateAsync(Told, Greedy(), Cancellation).ToListAsync(Cancellation);

    private protected static GenerationOptions Greedy() => new(MaxTokens, SamplingParameters.Greedy, []);

    private void Demand(IDecodingBatch batch)
    {
        Assert.True(batch.Candidates.Count > 1);
        Assert.Equal(batch.Candidates.Count, batch.Candidates.Distinct().Count());
        Assert.All(batch.Logits(0).ToArray(), logit => Assert.True(float.IsFinite(logit)));
        for (var context = 0; context < 2; context++)
        {
            var logits = batch.Logits(context).ToArray();
            Assert.Equal(batch.Candidates.Count, logits.Length);
            Assert.True(!Normalised || logits.Where(float.IsFinite).Sum(logit => Math.Exp(logit)) <= 1 + 1e-3);
        }
    }
}
