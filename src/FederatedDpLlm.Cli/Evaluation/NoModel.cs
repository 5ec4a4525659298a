using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Cli.Evaluation;

/// <summary>An engine without an opinion: what voters make of their records alone, to see what a model adds.</summary>
internal sealed class NoModel : IInferenceEngine
{
    public EngineCapabilities Capabilities { get; } = new("none", 0, Scores: true, Logits: false, 0);

    public int CountTokens(IReadOnlyList<ChatMessage> messages) => 0;

    public Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<IReadOnlyList<OptionScore>>>([.. contexts.Select(_ => options.Select(_ => new OptionScore(-1, 1)).ToList())]);

    public Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken) =>
        throw new NotSupportedException("There is no model to decode with.");

    public IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, CancellationToken cancellationToken) =>
        throw new NotSupportedException("There is no model to answer with.");
}
