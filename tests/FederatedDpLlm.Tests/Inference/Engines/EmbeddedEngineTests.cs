using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Privacy.Sampling;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Inference.Engines;

/// <summary>The bundled model, asked by many at once.</summary>
public sealed class EmbeddedEngineTests
{
    private const int Tokens = 12;
    private static readonly GenerationOptions Greedy = new(Tokens, new SamplingParameters { Temperature = 0 }, []);
    private static readonly LanguageModel Model = LanguageModel.Load(BundledModel.Folder, threads: 1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_given_at_the_same_time_are_those_given_alone_also_where_some_are_cancelled()
    {
        using var engine = new EmbeddedEngine(Model, "ward", new SecureRandom(), TimeProvider.System);
        var questions = Enumerable.Range(0, 9).Select(i => $"Patient {i * 37} has fever and takes {i + 1} tablets. What next?").ToList();
        var alone = new List<string>();
        foreach (var question in questions)
        {
            alone.Add(await Answer(engine, question, Cancellation));
        }

        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var left = questions.Select(question => Answer(engine, question, leaving.Token, leaving)).ToList();
        var stayed = await Task.WhenAll(questions.Select(question => Answer(engine, question, Cancellation)));
        Assert.Equal(alone, stayed);
        foreach (var one in left)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        }
    }

    [Fact]
    public async Task A_closed_engine_leaves_nobody_waiting()
    {
        var engine = new EmbeddedEngine(Model, "ward", new SecureRandom(), TimeProvider.System);
        var batch = await engine.OpenDecodingAsync([Context("Fever?")], 1, Cancellation);
        await batch.AppendAsync(5, Cancellation);
        engine.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => batch.AppendAsync(5, Cancellation));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => batch.AppendAsync(5, new CancellationToken(canceled: true)));
        await batch.DisposeAsync();
    }

    [Fact]
    public async Task An_answer_that_may_not_wait_any_longer_ends_as_a_timeout_and_one_too_many_is_told_that_the_engine_is_busy()
    {
        var clock = new FakeTimeProvider();
        var options = new EmbeddedEngineOptions { Serving = new ServingOptions { CacheBytes = 1 << 20, MostWaiting = 1 }, Timeout = TimeSpan.FromSeconds(30) };
        using var engine = new EmbeddedEngine(Model, "ward", new SecureRandom(), clock, options);
        var voters = await engine.OpenDecodingAsync([Context("Fever?"), Context("Cough?"), Context("Pain?")], 40, Cancellation);
        var waits = Answer(engine, "Fever?", Cancellation);
        var busy = await Assert.ThrowsAsync<EngineException>(() => Answer(engine, "Cough?", Cancellation));
        Assert.Equal(EngineFault.Busy, busy.Fault);
        Assert.False(waits.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(30));
        var late = await Assert.ThrowsAsync<EngineException>(() => waits);
        Assert.Equal(EngineFault.Timeout, late.Fault);
        await voters.DisposeAsync();
        Assert.NotEmpty(await Answer(engine, "Fever?", Cancellation));
    }

    // Where a source is given it is cancelled after the first piece of text or, at the latest, at the end.
    private static async Task<string> Answer(EmbeddedEngine engine, string question, CancellationToken cancellationToken, CancellationTokenSource? leave = null)
    {
        var text = "";
        await foreach (var piece in engine.GenerateAsync(Context(question), Greedy, cancellationToken))
        {
            text += piece;
            if (leave is not null)
            {
                await leave.CancelAsync();
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return text;
    }

    private static ChatContext Context(string question) => new([new ChatMessage("user", question)], []);
}
