using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Benchmarks.Routing;

/// <summary>A model that takes no time: what is left is the way of a question. Every voter likes the first option best.</summary>
internal sealed class InstantEngine : IInferenceEngine
{
    public EngineCapabilities Capabilities { get; } = new("instant", 0, Scores: true, Logits: false, 0);

    public int CountTokens(IReadOnlyList<ChatMessage> messages) => 0;

    public Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<IReadOnlyList<OptionScore>>>([.. contexts.Select(_ => options.Select((_, option) => new OptionScore(-option, 1)).ToList())]);

    public Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();
}
