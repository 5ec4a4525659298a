using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

/// <summary>A server that chats and does nothing else: the answered letter is the vote, and private decoding is refused.</summary>
public sealed class BareOpenAiConformanceTests : RemoteConformance
{
    protected override bool KnowsItsContext => false;

    private protected override EngineKind Kind => EngineKind.OpenAi;

    private protected override string WholeStream => "data: {\"choices\":[{\"delta\":{\"content\":\"Zürich\"}}]}\n\ndata: [DONE]\n";

    private protected override string StreamError => "error: {\"code\":500,\"message\":\"context shift is disabled\"}\n\n";

    private protected override ExchangeServer CreateServer() => new OpenAiExchanges { LogProbabilities = false };

    private protected override string Piece(string text) => $"data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n";

    [Fact]
    public void It_is_found_out_that_it_shows_no_log_probabilities()
    {
        Assert.Equal((ScoreSource.AnsweredLetter, true, false), (Engine.Capabilities.ScoreSource, Engine.Capabilities.Scores, Engine.Capabilities.Logits));
    }
}
