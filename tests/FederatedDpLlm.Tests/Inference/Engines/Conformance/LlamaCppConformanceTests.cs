using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;
using Microsoft.AspNetCore.Http;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

public sealed class LlamaCppConformanceTests : OpenAiConformanceTests
{
    protected override bool KnowsItsContext => true;

    private protected override EngineKind Kind => EngineKind.LlamaCpp;

    private protected override ExchangeServer CreateServer() => new LlamaCppExchanges();

    [Fact]
    public async Task Its_slots_say_how_busy_it_is()
    {
        var status = await Engine.StatusAsync(Cancellation);
        Assert.Equal(("m.gguf", PretendModel.ContextTokens, 2, 1), (status.Model, status.ContextTokens, status.Slots, status.Running));
    }

    [Fact]
    public async Task While_it_loads_its_model_it_is_not_ready()
    {
        ((LlamaCppExchanges)Server).Loading = true;
        var status = await Engine.StatusAsync(Cancellation);
        Assert.False(status.Ready);
        Assert.Contains("still loading", status.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chosen_tokens_go_back_by_their_numbers_and_a_character_in_parts_shows_when_it_is_whole()
    {
        await using var batch = await Engine.OpenDecodingAsync([new(Asked, []), new(Asked, ["say no"])], 8, Cancellation);
        Assert.Equal(['y', 'n', PretendModel.PartToken, PretendModel.EndToken], batch.Candidates);
        Assert.Equal([float.NaN, -0.1f, -3.5f, -6f], batch.Logits(1).ToArray());
        Assert.Equal([false, false, false, true], batch.Candidates.Select(batch.IsEnd));
        await batch.AppendAsync(PretendModel.PartToken, Cancellation);
        Assert.Equal("", batch.Text);
        Assert.Contains(Server.BodiesOf("/completion"), body => body!["prompt"]!.AsArray() is [_, { } token] && (int)token == PretendModel.PartToken);
    }

    [Fact]
    public async Task An_adapter_loaded_at_the_start_is_put_on_by_its_file_and_another_is_refused_with_what_to_do()
    {
        await Engine.LoadAdapterAsync("ward-notes", "elsewhere/ward-notes.gguf", Cancellation);
        Assert.Equal(1, ((LlamaCppExchanges)Server).Adapter);
        var error = await Assert.ThrowsAsync<EngineException>(() => Engine.LoadAdapterAsync("new", "new.gguf", Cancellation));
        Assert.Equal(EngineFault.ModelMissing, error.Fault);
        Assert.Contains("--lora", error.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("-1"), InlineData("300"), InlineData("1.5"), InlineData("\"a\""), InlineData("null")]
    public async Task Tokens_that_the_model_does_not_have_are_a_named_fault(string token)
    {
        Replace(context => context.Response.WriteAsync(
            $"{{\"tokens\":[{token}],\"completion_probabilities\":[{{\"top_logprobs\":[{{\"id\":{token},\"token\":\"y\",\"logprob\":-1}}]}}]}}"));
        Assert.Equal(EngineFault.WrongVocabulary, (await Assert.ThrowsAsync<EngineException>(() => Engine.TokenizeAsync("drug", Cancellation))).Fault);
        Assert.Equal(EngineFault.WrongVocabulary, (await Assert.ThrowsAsync<EngineException>(() => Engine.OpenDecodingAsync([new(Asked, [])], 8, Cancellation))).Fault);
    }

    [Fact]
    public async Task Without_its_slots_the_load_is_unknown()
    {
        Server.Instead = (context, _) =>
        {
            context.Response.StatusCode = context.Request.Path == "/slots" ? 501 : 200;
            return Task.FromResult(context.Request.Path == "/slots");
        };
        Assert.Null((await Engine.StatusAsync(Cancellation)).Running);
    }
}
