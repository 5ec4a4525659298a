namespace FederatedDpLlm.Inference.Engines;

/// <summary>
/// A language model as a hospital node sees it: the embedded engine, or a server behind the node. It knows nothing of privacy: it reads contexts (the prompt,
/// with or without a shard's records) and gives likelihoods, logits or text. What an engine does not offer it refuses with a sentence that says what to do.
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

    /// <summary>Plain generation from one context: the public path. The last piece says how it ended.</summary>
    IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, CancellationToken cancellationToken);

    /// <summary>How the engine is now, and how busy. An engine that cannot be asked is not ready, which is an answer and no error.</summary>
    Task<EngineStatus> StatusAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new EngineStatus(Ready: true, Capabilities.Model) { ContextTokens = Capabilities.ContextTokens });

    /// <summary>The tokens of a text by their numbers, without any that begin or end a prompt.</summary>
    /// <exception cref="NotSupportedException">The engine shows no token numbers (<see cref="EngineCapabilities.Tokenizes"/>).</exception>
    Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"The engine of {Capabilities.Model} does not show its tokens: use the embedded engine, vLLM or llama.cpp's server where token numbers are needed.");

    /// <summary>Puts a LoRA adapter over the weights from the next question on; it takes the place of one put on before.</summary>
    /// <param name="name">The adapter's name: letters, digits, dots and dashes.</param>
    /// <param name="path">Where the engine's own machine keeps it.</param>
    /// <exception cref="NotSupportedException">The engine takes none while it runs (<see cref="EngineCapabilities.Adapters"/>).</exception>
    Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"The engine of {Capabilities.Model} takes no adapter while it runs: name the adapter where the engine is started, or serve the model with vLLM or llama.cpp's server.");
}
