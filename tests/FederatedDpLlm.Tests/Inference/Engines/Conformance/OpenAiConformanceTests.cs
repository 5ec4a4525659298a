using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

public class OpenAiConformanceTests : RemoteConformance
{
    protected override bool KnowsItsContext => false;

    private protected override EngineKind Kind => EngineKind.OpenAi;

    private protected override string WholeStream =>
        "data: {\"choices\":[{\"delta\":{\"content\":\"Zü\"}}]}\r\n\r\n: still here\n\ndata:{\"choices\":[{\"delta\":{\"content\":\"rich\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n";

    private protected override string StreamError => "data: {\"error\":{\"message\":\"Which drug: out of memory\",\"code\":500}}\n\ndata: [DONE]\n\n";

    private protected override ExchangeServer CreateServer() => new OpenAiExchanges();

    private protected override string Piece(string text) => $"data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n";

    [Theory, InlineData(ScoreSource.LetterLogProbabilities), InlineData(ScoreSource.Likelihoods), InlineData(ScoreSource.AnsweredLetter)]
    public async Task Options_may_be_scored_in_every_way_that_the_server_offers(ScoreSource scores)
    {
        // Of OpenAI's API llama.cpp's server leaves out the echo; there the likelihood comes from the completions' candidates, token by token.
        using var engine = await ConnectAsync(scores: scores);
        Assert.Equal(scores, engine.Capabilities.ScoreSource);
        var rows = await engine.ScoreAsync([new(Asked, ["He takes codeine and codeine ."]), new(Asked, ["bisoprolol bisoprolol daily"])], Drugs, Cancellation);
        Assert.Equal((2, 1), (Best(rows[0]), Best(rows[1])));
    }

    [Fact]
    public async Task Sampling_parameters_travel_only_where_they_were_asked_for()
    {
        var options = new GenerationOptions(8, new Models.Sampling.SamplingParameters { TopK = 5, PresencePenalty = 0.5, RepetitionPenalty = 1.25 }, ["END"]);
        await Engine.GenerateAsync(new(Asked, []), options, Cancellation).ToListAsync(Cancellation);
        var body = Server.BodiesOf("/v1/chat/completions")[^1]!.AsObject();
        Assert.Equal((5, 0.5, 1.25, "END"), ((int)body["top_k"]!, (double)body["presence_penalty"]!, (double)body["repetition_penalty"]!, (string)body["stop"]![0]!));
        Assert.False(body.ContainsKey("top_p") || body.ContainsKey("min_p") || body.ContainsKey("logit_bias") || body.ContainsKey("seed") || body.ContainsKey("response_format"));
    }

    [Fact]
    public async Task A_seed_and_a_form_travel_in_openais_words()
    {
        var options = new GenerationOptions(8, new Models.Sampling.SamplingParameters(), []) { Seed = 11, AnswerSchema = """{"type":"object"}""" };
        await Engine.GenerateAsync(new(Asked, []), options, Cancellation).ToListAsync(Cancellation);
        var body = Server.BodiesOf("/v1/chat/completions")[^1]!;
        Assert.Equal((11, "json_schema", "object"), ((long)body["seed"]!, (string)body["response_format"]!["type"]!, (string)body["response_format"]!["json_schema"]!["schema"]!["type"]!));
    }
}
