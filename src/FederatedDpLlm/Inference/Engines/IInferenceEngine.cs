namespace FederatedDpLlm.Inference.Engines;

/// <summary>
/// A language model as a hospital node sees it: the embedded engine, or any OpenAI-compatible server behind the node. It knows nothing of privacy:
/// it reads contexts (the prompt, with or without a shard's records) and gives likelihoods, logits or text.
/// </summary>
public interface IInferenceEngine
{
    EngineCapabilities Capabilities { get; }

    /// <summary>How many tokens of the context the messages take; 0 where the engine does not say.</summary>
    int CountTokens(IReadOnlyList<ChatMessage> messages);

    /// <summary>The natural-log likelihood of each option as the continuation of each context.</summary>
    /// <param name="contexts">One chat per voter, the public one included where the caller wants it.</param>
    /// <param name="options">The public options.</param>
    /// <returns>[context][option]; the log-likelihood summed over the option's tokens, with their number beside it.</returns>
    Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken);

    /// <summary>Opens one decoding for many contexts that will be fed the same tokens; index 0 is the public context by convention of the caller.</summary>
    /// <param name="contexts">At least one.</param>
    /// <param name="maxTokens">Room to leave for the answer, in tokens.</param>
    /// <exception cref="NotSupportedException">The engine offers no logits (<see cref="EngineCapabilities.Logits"/>).</exception>
    Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken);

    /// <summary>Plain generation from one context: the public path.</summary>
    IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, CancellationToken cancellationToken);
}
