using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

public sealed class OllamaConformanceTests : RemoteConformance
{
    private protected override EngineKind Kind => EngineKind.Ollama;

    private protected override string WholeStream =>
        "{\"message\":{\"role\":\"assistant\",\"content\":\"Zü\"},\"done\":false}\n{\"message\":{\"content\":\"rich\"},\"done\":false}\n{\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2}\n";

    private protected override string StreamError => "{\"error\":\"Which drug: the runner has stopped\"}\n";

    private protected override ExchangeServer CreateServer() => new OllamaExchanges();

    private protected override string Piece(string text) => $"{{\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n";

    [Fact]
    public async Task The_context_is_set_with_every_call_since_ollama_cuts_in_silence()
    {
        await StreamAsync();
        Assert.Equal(PretendModel.ContextTokens, (await Engine.StatusAsync(Cancellation)).ContextTokens);
        Assert.All(Server.BodiesOf("/api/chat"), body => Assert.Equal(PretendModel.ContextTokens, (int)body!["options"]!["num_ctx"]!));
    }

    [Fact]
    public async Task A_model_that_it_does_not_have_is_a_named_fault_that_says_how_to_get_it()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() => ConnectAsync("another"));
        Assert.Equal(EngineFault.ModelMissing, error.Fault);
        Assert.Contains("ollama pull another", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_without_log_probabilities_votes_by_its_answers_and_does_not_decode_privately()
    {
        await using var old = new OllamaExchanges { LogProbabilities = false };
        await old.StartAsync();
        using var engine = await RemoteEngine.ConnectAsync(new RemoteEngineOptions { Kind = EngineKind.Ollama, BaseUrl = old.BaseUrl, Model = "m" }, TimeProvider.System, Cancellation);
        Assert.Equal((ScoreSource.AnsweredLetter, false), (engine.Capabilities.ScoreSource, engine.Capabilities.Logits));
        var error = await Assert.ThrowsAsync<NotSupportedException>(() => engine.OpenDecodingAsync([new(Asked, [])], 8, Cancellation));
        Assert.Contains("needs log-probabilities", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, Best((await engine.ScoreAsync([new(Asked, ["codeine codeine"])], Drugs, Cancellation))[0]));
    }

    [Fact]
    public async Task Sampling_parameters_travel_and_what_ollama_does_not_know_is_refused()
    {
        await Engine.GenerateAsync(new(Asked, []), new GenerationOptions(8, new SamplingParameters { TopK = 5, MinP = 0.1 }, ["END"]), Cancellation).ToListAsync(Cancellation);
        var settings = Server.BodiesOf("/api/chat")[^1]!["options"]!;
        Assert.Equal((8, 5, 0.1, "END"), ((int)settings["num_predict"]!, (int)settings["top_k"]!, (double)settings["min_p"]!, (string)settings["stop"]![0]!));
        var formed = new GenerationOptions(8, SamplingParameters.Greedy, []) { Seed = 11, AnswerSchema = """{"type":"object"}""" };
        await Engine.GenerateAsync(new(Asked, []), formed, Cancellation).ToListAsync(Cancellation);
        var body = Server.BodiesOf("/api/chat")[^1]!;
        Assert.Equal((11, "object"), ((long)body["options"]!["seed"]!, (string)body["format"]!["type"]!));
        var biased = new GenerationOptions(8, new SamplingParameters { LogitBias = new Dictionary<int, double> { [1] = 1 } }, []);
        var error = await Assert.ThrowsAsync<EngineException>(async () => await Engine.GenerateAsync(new(Asked, []), biased, Cancellation).ToListAsync(Cancellation));
        Assert.Contains("logit_bias", error.Message, StringComparison.Ordinal);
    }
}
