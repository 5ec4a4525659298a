using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

public sealed class EmbeddedConformanceTests : EngineConformance
{
    private static readonly LanguageModel Model = LanguageModel.Load(BundledModel.Folder, threads: 1);
    private readonly string _adapter = Path.GetTempFileName();

    protected override bool Normalised => false;

    protected override Task<IInferenceEngine> OpenAsync() => Task.FromResult<IInferenceEngine>(new EmbeddedEngine(Model, "ward-2m", new SecureRandom(), TimeProvider.System));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(_adapter);
    }

    [Fact]
    public async Task An_adapter_put_on_answers_as_a_model_that_it_was_merged_into()
    {
        TestAdapter.Write(_adapter, Model.Configuration, Cancellation);
        using var merged = new EmbeddedEngine(LanguageModel.Load(BundledModel.Folder, 1, adapter: LoraAdapter.Read(_adapter)), "ward-2m", new SecureRandom(), TimeProvider.System);
        ChatContext[] contexts = [new(Asked, []), new(Asked, ["The patient takes codeine."])];
        var (plain, expected) = (await Engine.ScoreAsync(contexts, Drugs, Cancellation), await merged.ScoreAsync(contexts, Drugs, Cancellation));
        await Engine.LoadAdapterAsync("ward-notes", _adapter, Cancellation);
        var adapted = await Engine.ScoreAsync(contexts, Drugs, Cancellation);
        for (var context = 0; context < contexts.Length; context++)
        {
            Assert.All(adapted[context].Zip(expected[context]), pair => Assert.Equal(pair.First.LogLikelihood, pair.Second.LogLikelihood, 1e-3));
            Assert.All(adapted[context].Zip(plain[context]), pair => Assert.True(Math.Abs(pair.First.LogLikelihood - pair.Second.LogLikelihood) > 0.05));
        }

        await using var ours = await Engine.OpenDecodingAsync(contexts, 4, Cancellation);
        await using var theirs = await merged.OpenDecodingAsync(contexts, 4, Cancellation);
        Assert.All(ours.Logits(1).ToArray().Zip(theirs.Logits(1).ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
        Assert.Equal(await AnswersAsync(merged), await AnswersAsync(Engine));
    }

    [Fact]
    public async Task An_adapter_takes_the_place_of_the_one_before_in_streamed_answers_too()
    {
        var before = await AnswersAsync(Engine);
        TestAdapter.Write(_adapter, Model.Configuration, Cancellation, strength: 3);
        await Engine.LoadAdapterAsync("strong", _adapter, Cancellation);
        var strong = await AnswersAsync(Engine);
        Assert.NotEqual(before, strong);
        TestAdapter.Write(_adapter, Model.Configuration, Cancellation, strength: 0);
        await Engine.LoadAdapterAsync("none", _adapter, Cancellation);
        Assert.Equal(before, await AnswersAsync(Engine));
    }

    [Fact]
    public async Task An_adapter_that_cannot_be_read_is_a_named_fault_and_the_engine_answers_as_before()
    {
        ChatContext[] contexts = [new(Asked, [])];
        var before = await Engine.ScoreAsync(contexts, Drugs, Cancellation);
        await File.WriteAllTextAsync(_adapter, "GGUF and nothing more", Cancellation);
        foreach (var path in new[] { _adapter, _adapter + ".none" })
        {
            var error = await Assert.ThrowsAsync<EngineException>(() => Engine.LoadAdapterAsync("broken", path, Cancellation));
            Assert.Equal(EngineFault.Refused, error.Fault);
            Assert.Contains("'broken'", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, await Engine.ScoreAsync(contexts, Drugs, Cancellation));
    }

    private static async Task<List<string>> AnswersAsync(IInferenceEngine engine)
    {
        var answers = new List<string>();
        foreach (var age in Enumerable.Range(30, 8))
        {
            var asked = new ChatContext([new("user", $"Which department sees patients of {age} years with chest pain?")], [$"A patient of {age} years went to cardiology after {age} hours."]);
            answers.Add(string.Concat((await engine.GenerateAsync(asked, Greedy(), Cancellation).ToListAsync(Cancellation)).Select(piece => piece.Text)));
        }

        return answers;
    }
}
