using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Tests.Judge;
using FederatedDpLlm.Tests.Judge.Server;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

/// <summary>A real llama.cpp with the bundled model, exported by this project. What it computes is held against this project's own engine.</summary>
[Trait(TestLength.Name, TestLength.Ci)]
public sealed class LiveLlamaCppConformanceTests : EngineConformance
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedllm-llama-").FullName;
    private LlamaCppServer? _server;

    private string ModelPath => Path.Combine(_folder, "ward-2m.gguf");

    private string AdapterPath => Path.Combine(_folder, "ward-notes.gguf");

    protected override async Task<IInferenceEngine> OpenAsync()
    {
        var library = LlamaCpp.FolderIn(Repository.Root);
        Assert.SkipWhen(library is null, "needs llama.cpp from npm (node-llama-cpp 3.22.1, Linux x64); ./test.sh installs it where npm works");
        ModelConversion.ToGguf(BundledModel.Folder, null, ModelPath, ElementType.Float32, null, Cancellation);
        TestAdapter.Write(AdapterPath, LanguageModel.Load(ModelPath, threads: 1).Configuration, Cancellation);
        _server = await LlamaCppServer.StartAsync(library!, ModelPath, AdapterPath);
        return await ConnectAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_folder, true);
    }

    [Fact]
    public async Task It_says_its_model_context_and_slots()
    {
        var status = await Engine.StatusAsync(Cancellation);
        Assert.Equal(("ward-2m.gguf", 1024, 1, 0), (status.Model, status.ContextTokens, status.Slots, status.Running));
        Assert.Equal((ScoreSource.LetterLogProbabilities, true, true), (Engine.Capabilities.ScoreSource, Engine.Capabilities.Logits, Engine.Capabilities.Adapters));
    }

    [Fact]
    public async Task A_streamed_answer_is_word_for_word_that_of_this_process()
    {
        using var ours = new EmbeddedEngine(LanguageModel.Load(ModelPath, threads: 1), "ward-2m", new SecureRandom(), TimeProvider.System);
        foreach (var question in new[] { "Patient 7 has fever and takes 2 tablets. What next?", "Which department sees most patients with chest pain?" })
        {
            var context = new ChatContext([new ChatMessage("user", question)], []);
            var (here, there) = (await ReadAsync(ours, context), await ReadAsync(Engine, context));
            Assert.Equal(here.Text, there.Text.TrimStart());
            Assert.Equal(here.Usage, there.Usage);
        }

        static async Task<(string Text, EngineUsage Usage)> ReadAsync(IInferenceEngine engine, ChatContext context)
        {
            var pieces = await engine.GenerateAsync(context, Greedy(), Cancellation).ToListAsync(Cancellation);
            return (string.Concat(pieces.Select(piece => piece.Text)).Trim(), pieces[^1].Usage!);
        }
    }

    [Fact]
    public async Task The_likelihoods_of_options_are_those_of_this_process()
    {
        using var engine = await ConnectAsync(ScoreSource.Likelihoods);
        string[] options = ["cardiology", "emergency", "radiology", "a far less likely answer: 17.5 mg"];
        var theirs = await engine.ScoreAsync([new(Asked, [])], options, Cancellation);
        Assert.All(Likelihoods(options, null).Zip(theirs[0]), pair => Assert.Equal(pair.First.LogLikelihood, pair.Second.LogLikelihood, 2e-3));
        Assert.Equal(Likelihoods(options, null).Select(score => score.Tokens), theirs[0].Select(score => score.Tokens));
    }

    [Fact]
    public async Task Private_decoding_sees_the_log_probabilities_of_this_process()
    {
        var model = LanguageModel.Load(ModelPath, threads: 1);
        await using var batch = await Engine.OpenDecodingAsync([new(Asked, [])], 4, Cancellation);
        using var ours = model.OpenBatch([Prompt(model)], Cancellation);
        for (var step = 0; step < 4; step++)
        {
            var here = ours.Logits(0).ToArray();
            Assert.Equal(20, batch.Candidates.Count);
            Assert.All(batch.Candidates.Index(), candidate => Assert.Equal(LogLikelihood.Of(here, candidate.Item), batch.Logits(0)[candidate.Index], 1e-3));
            var token = batch.Candidates.First(candidate => !batch.IsEnd(candidate));
            ours.Append(token, Cancellation);
            await batch.AppendAsync(token, Cancellation);
        }
    }

    [Fact]
    public async Task Text_has_the_tokens_of_this_process()
    {
        var tokenizer = LanguageModel.Load(ModelPath, threads: 1).Tokenizer;
        foreach (var text in new[] { "Chest pain since 3 days, sent to cardiology.", " temperature 38.5 C\nblood pressure 120/80", "Zürich – 体温" })
        {
            Assert.Equal(tokenizer.Encode(text), await Engine.TokenizeAsync(text, Cancellation));
        }
    }

    [Fact]
    public async Task An_adapter_put_on_changes_the_likelihoods_as_in_this_process()
    {
        using var engine = await ConnectAsync(ScoreSource.Likelihoods);
        string[] options = ["cardiology", "emergency"];
        await engine.LoadAdapterAsync("ward-notes", AdapterPath, Cancellation);
        var theirs = await engine.ScoreAsync([new(Asked, [])], options, Cancellation);
        var (plain, adapted) = (Likelihoods(options, null), Likelihoods(options, LoraAdapter.Read(AdapterPath)));
        Assert.All(adapted.Zip(theirs[0]), pair => Assert.Equal(pair.First.LogLikelihood, pair.Second.LogLikelihood, 5e-3));
        Assert.All(plain.Zip(adapted), pair => Assert.True(Math.Abs(pair.First.LogLikelihood - pair.Second.LogLikelihood) > 0.05));
    }

    private Task<RemoteEngine> ConnectAsync(ScoreSource? scores = null) => RemoteEngine.ConnectAsync(
        new RemoteEngineOptions { Kind = EngineKind.LlamaCpp, BaseUrl = _server!.Address, Model = "ward-2m", Scores = scores }, TimeProvider.System, Cancellation);

    private static int[] Prompt(LanguageModel model) =>
        [.. model.Tokenizer.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode($"Question: {Asked[0].Content}\n\nAnswer:")];

    private List<OptionScore> Likelihoods(string[] options, LoraAdapter? adapter)
    {
        var model = LanguageModel.Load(ModelPath, threads: 1, adapter: adapter);
        using var batch = model.OpenBatch([Prompt(model)], Cancellation);
        var tokens = options.Select(option => model.Tokenizer.Encode(" " + option)).ToList();
        return [.. batch.Score(tokens, Cancellation)[0].Zip(tokens).Select(score => new OptionScore(score.First, score.Second.Count))];
    }
}
