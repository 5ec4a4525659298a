using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Tests.Inference.Engines.Exchanges;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

public sealed class VllmConformanceTests : OpenAiConformanceTests
{
    protected override bool KnowsItsContext => true;

    private protected override EngineKind Kind => EngineKind.Vllm;

    private protected override ExchangeServer CreateServer() => new VllmExchanges();

    [Fact]
    public async Task Its_metrics_say_how_busy_it_is()
    {
        var status = await Engine.StatusAsync(Cancellation);
        Assert.Equal(("m", PretendModel.ContextTokens, 3, 4), (status.Model, status.ContextTokens, status.Running, status.Waiting));
    }

    [Fact]
    public async Task A_model_that_it_does_not_serve_is_a_named_fault_that_names_those_it_serves()
    {
        var error = await Assert.ThrowsAsync<EngineException>(() => ConnectAsync("another"));
        Assert.Equal(EngineFault.ModelMissing, error.Fault);
        Assert.Contains("'m'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_adapter_is_loaded_by_name_asked_for_from_then_on_and_taken_off_before_it_is_loaded_anew()
    {
        await Engine.LoadAdapterAsync("ward-notes", "/srv/lora/ward-notes", Cancellation);
        await StreamAsync();
        Assert.Equal("ward-notes", (string)Server.BodiesOf("/v1/chat/completions")[^1]!["model"]!);
        Assert.Equal("ward-notes", (await Engine.StatusAsync(Cancellation)).Model);
        await Engine.LoadAdapterAsync("ward-notes", "/srv/lora/ward-notes-2", Cancellation);
        Assert.Single(Server.BodiesOf("/v1/unload_lora_adapter"));
        Assert.Equal("/srv/lora/ward-notes-2", (string)Server.BodiesOf("/v1/load_lora_adapter")[^1]!["lora_path"]!);
    }

    [Fact]
    public async Task An_adapter_that_vllm_may_not_load_is_refused_with_what_to_set()
    {
        await using var closed = new VllmExchanges { AdaptersMayChange = false };
        await closed.StartAsync();
        using var engine = await RemoteEngine.ConnectAsync(new RemoteEngineOptions { Kind = EngineKind.Vllm, BaseUrl = closed.BaseUrl, Model = "m" }, TimeProvider.System, Cancellation);
        var error = await Assert.ThrowsAsync<EngineException>(() => engine.LoadAdapterAsync("ward-notes", "/srv/lora/ward-notes", Cancellation));
        Assert.Contains("VLLM_ALLOW_RUNTIME_LORA_UPDATING", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"count\":2,\"max_model_len\":10,\"tokens\":[1]}", EngineFault.Malformed)]
    [InlineData("{\"count\":1,\"max_model_len\":10,\"tokens\":[-1]}", EngineFault.WrongVocabulary)]
    [InlineData("{\"count\":1,\"max_model_len\":10,\"tokens\":[99999999999]}", EngineFault.WrongVocabulary)]
    public async Task Tokens_that_no_vocabulary_has_are_a_named_fault(string answer, EngineFault fault)
    {
        Replace(context => Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response, answer));
        Assert.Equal(fault, (await Assert.ThrowsAsync<EngineException>(() => Engine.TokenizeAsync("drug", Cancellation))).Fault);
    }
}
