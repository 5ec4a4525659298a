namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>What one kind of server speaks: how a call is written and what its answer says. Every call throws <see cref="EngineException"/> where the server fails.</summary>
internal interface IEngineDialect
{
    bool Tokenizes { get; }

    bool Adapters { get; }

    /// <summary>Whether its documentation promises that answers keep to a JSON schema.</summary>
    bool Forms { get; }

    /// <summary>What the server is configured to answer with, and how busy it is.</summary>
    Task<EngineStatus> StatusAsync(CancellationToken cancellationToken);

    /// <summary>The likeliest answer.</summary>
    /// <param name="messages">The chat.</param>
    /// <param name="maxTokens">At least 1.</param>
    /// <param name="candidates">How many candidates of the first token to ask for; 0 for none.</param>
    Task<ChatReply> ChatAsync(IReadOnlyList<ChatMessage> messages, int maxTokens, int candidates, CancellationToken cancellationToken);

    /// <summary>A sampled answer, piece by piece; the last one says how it ended and what it took.</summary>
    IAsyncEnumerable<GeneratedText> StreamAsync(IReadOnlyList<ChatMessage> messages, GenerationOptions options, CancellationToken cancellationToken);

    /// <summary>The likeliest tokens after a prompt and the tokens chosen since; empty where the server shows none.</summary>
    Task<IReadOnlyList<TokenCandidate>> NextAsync(string prompt, IReadOnlyList<TokenCandidate> answer, CancellationToken cancellationToken);

    /// <summary>The likelihood of a text after a prompt; null where the server does not show it.</summary>
    Task<OptionScore?> LikelihoodAsync(string prompt, string text, CancellationToken cancellationToken);

    /// <exception cref="NotSupportedException">Not <see cref="Tokenizes"/>.</exception>
    Task<IReadOnlyList<int>> TokenizeAsync(string text, CancellationToken cancellationToken);

    /// <exception cref="NotSupportedException">Not <see cref="Adapters"/>.</exception>
    Task LoadAdapterAsync(string name, string path, CancellationToken cancellationToken);
}
