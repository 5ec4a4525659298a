using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Node;

/// <summary>The language model behind this node.</summary>
internal sealed record EngineOptions
{
    /// <summary>
    /// <c>embedded</c>, <c>sharded</c> for a model that is cut over several nodes, or a server's kind: <c>vllm</c>, <c>llama.cpp</c>, <c>ollama</c>, or <c>openai</c>
    /// for any other with OpenAI's API.
    /// </summary>
    public string Kind { get; init; } = "embedded";

    /// <summary>For <c>embedded</c>: the model's folder or file, for <c>sharded</c> its folder; empty for the bundled one.</summary>
    public string? Model { get; init; }

    /// <summary>For <c>sharded</c>: the nodes that hold the model.</summary>
    public ShardedModelOptions? Shards { get; init; }

    /// <summary>For a server: its address, as in <c>http://127.0.0.1:8000/v1</c>.</summary>
    public string? BaseUrl { get; init; }

    /// <summary>For a server: whether one on another machine may be spoken to in clear. Prompts and patients' records travel to it: only on a network of its own.</summary>
    /// <value>Default: false.</value>
    public bool AllowClearText { get; init; }

    /// <summary>For a server: the model's name there.</summary>
    public string? RemoteModel { get; init; }

    /// <summary>For a server: the name of the environment variable that holds the API key; empty where none is needed.</summary>
    public string? ApiKeyVariable { get; init; }

    /// <summary>For a server: the longest context in tokens; 0 to take what it reports.</summary>
    public int ContextTokens { get; init; }

    /// <summary>
    /// For a server: what options are scored by. <c>letter_log_probabilities</c> asks for one letter, <c>likelihoods</c> reads each option's own tokens (more
    /// calls), <c>answered_letter</c> takes the letter answered; empty to find out what the server offers.
    /// </summary>
    public string? Scores { get; init; }

    /// <summary>
    /// Which weights, tokenizer and adapter the engine serves: 64 hexadecimal digits, lower case. For a server, of which a node sees the model's name only, hospitals that add up their parts agree on one and
    /// pin it here; nothing checks it. Where this node reads the files itself (<c>embedded</c>, <c>sharded</c>), they must have this digest or the node does not start.
    /// </summary>
    /// <value>Default: of the files, or of the model's name at the server.</value>
    public string? ModelDigest { get; init; }

    /// <summary>A LoRA adapter over the model (not over a <c>sharded</c> one): a file or folder, for <c>embedded</c> from this file's folder, for a server as its own machine names it.</summary>
    public string? Adapter { get; init; }

    /// <summary>
    /// The file in which <c>fedllm train</c> stated what the adapter released (from this file's folder). What it states is charged once to the hospital's data accounts, also where no <see cref="Adapter"/> is named because
    /// the served model has it merged in. Its digest is checked where the weights are on this machine (<c>embedded</c>).
    /// </summary>
    /// <value>Default: <c>adapter_privacy.json</c> beside an adapter of <c>embedded</c>; needed for a server's.</value>
    public string? AdapterStatement { get; init; }

    /// <summary>Whether the adapter was made from other records than this hospital's, so that it is charged nothing here. An adapter that is not declared so needs its statement.</summary>
    /// <value>Default: false.</value>
    public bool AdapterMadeElsewhere { get; init; }
}
