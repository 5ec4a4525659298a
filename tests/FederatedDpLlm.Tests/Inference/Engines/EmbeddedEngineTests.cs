using System.Text.Json;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Weights.Adapters;
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
        using var engine = new EmbeddedEngine(Model, "ward-2m", new SecureRandom(), TimeProvider.System);
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
        var engine = new EmbeddedEngine(Model, "ward-2m", new SecureRandom(), TimeProvider.System);
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
        using var engine = new EmbeddedEngine(Model, "ward-2m", new SecureRandom(), clock, options);
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

    [Theory]
    [InlineData("""{"type":"object","properties":{"code":{"enum":["I10","J18"]},"sure":{"type":"boolean"},"why":{"type":"string"}},"required":["code"]}""", 80)]
    [InlineData("""{"type":"object"}""", 12)]
    public async Task A_public_answer_keeps_to_its_schema_and_is_the_same_again_under_its_seed(string schema, int tokens)
    {
        using var engine = new EmbeddedEngine(Model, "ward-2m", new SecureRandom(), TimeProvider.System);
        var options = new GenerationOptions(tokens, new SamplingParameters { Temperature = 1.5 }, []) { AnswerSchema = schema, Seed = 7, Tenant = "ana" };
        var answers = new List<string>();
        foreach (var seed in new long[] { 7, 7, -1, long.MinValue, 7 })
        {
            var text = "";
            var finish = (FinishReason?)null;
            await foreach (var piece in engine.GenerateAsync(Context("Which code?"), options with { Seed = seed }, Cancellation))
            {
                text += piece.Text;
                finish = piece.Finish ?? finish;
            }

            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(text).RootElement.ValueKind);
            Assert.Equal(FinishReason.Stop, finish);
            answers.Add(text);
        }

        Assert.Equal([answers[0], answers[0]], [answers[1], answers[4]]);
    }

    [Fact]
    public async Task An_adapter_is_put_on_from_the_next_question_on_and_one_that_does_not_fit_leaves_all_as_it_was()
    {
        var folder = Directory.CreateTempSubdirectory();
        using var engine = new EmbeddedEngine(Model, "ward-2m", new SecureRandom(), TimeProvider.System);
        try
        {
            var shape = Model.Configuration;
            var file = Path.Combine(folder.FullName, "adapter.gguf");
            float[] Factor(int count, int step) => [.. Enumerable.Range(0, count).Select(i => ((i * step % 17) - 8) / 20f)];
            var matrices = Enumerable.Range(0, shape.Layers).Select(layer => new LoraModule($"model.layers.{layer}.self_attn.v_proj.weight", shape.KeyValueWidth, shape.Width, Factor(2 * shape.Width, 3), Factor(2 * shape.KeyValueWidth, 5)));
            GgufAdapter.Write(file, new LoraAdapter(2, 2, [.. matrices]), shape, Cancellation);
            var chat = new[] { Context("Which drug?"), Context("Fever?") };
            await using var begun = await engine.OpenDecodingAsync(chat, 8, Cancellation);
            await using var plain = await engine.OpenDecodingAsync(chat, 8, Cancellation);
            Assert.True(engine.Capabilities.Adapters);
            await Assert.ThrowsAsync<EngineException>(() => engine.LoadAdapterAsync("ward-notes", Path.Combine(folder.FullName, "none.gguf"), Cancellation));
            await engine.LoadAdapterAsync("ward-notes", file, Cancellation);
            await using var adapted = await engine.OpenDecodingAsync(chat, 8, Cancellation);
            using var alone = Model.OpenBatch([Model.Template.Encode([new PromptTurn("user", "Which drug?")], [], 1000)], Model.Attach(LoraAdapter.Read(file)), Cancellation);
            await Task.WhenAll(begun.AppendAsync(70, Cancellation), adapted.AppendAsync(70, Cancellation), plain.AppendAsync(70, Cancellation));
            alone.Append(70, Cancellation);
            Assert.Equal(alone.Logits(0).ToArray(), adapted.Logits(0).ToArray());
            Assert.Equal(plain.Logits(0).ToArray(), begun.Logits(0).ToArray());
            Assert.NotEqual(plain.Logits(0).ToArray(), adapted.Logits(0).ToArray());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
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
