using FederatedDpLlm.Configuration;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.Remote;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Node;

/// <summary>Opens the engine that a node's configuration names.</summary>
internal static class NodeEngine
{
    /// <summary>The kind that <see cref="ShardedEngines"/> starts.</summary>
    public const string Sharded = "sharded";

    /// <summary>The kind that runs in the node's own process.</summary>
    public const string Embedded = "embedded";

    private static readonly Dictionary<string, EngineKind> Servers = new(StringComparer.Ordinal)
    {
        ["openai"] = EngineKind.OpenAi,
        ["vllm"] = EngineKind.Vllm,
        ["llama.cpp"] = EngineKind.LlamaCpp,
        ["ollama"] = EngineKind.Ollama,
    };

    private static readonly Dictionary<string, ScoreSource> ScoreSources = new(StringComparer.Ordinal)
    {
        ["likelihoods"] = ScoreSource.Likelihoods,
        ["letter_log_probabilities"] = ScoreSource.LetterLogProbabilities,
        ["answered_letter"] = ScoreSource.AnsweredLetter,
    };

    /// <exception cref="ConfigurationException">A setting is missing or wrong, or the model's files cannot be read.</exception>
    /// <exception cref="EngineException">The server cannot be used.</exception>
    public static async Task<IInferenceEngine> OpenAsync(EngineOptions options, string folder, ISecureRandom random, TimeProvider clock)
    {
        if (options.Kind == Embedded)
        {
            return LoadEmbedded(options, folder, random, clock);
        }

        var engine = await RemoteEngine.ConnectAsync(ToRemote(options), clock, CancellationToken.None);
        if (options.Adapter is { } adapter)
        {
            await LoadAdapterAsync(engine, adapter);
        }

        return engine;
    }

    /// <summary>Which model the engine serves: of its files where this node reads them, else what is pinned, else of its name at the server.</summary>
    /// <exception cref="ConfigurationException">The pinned digest is none, or not that of the files.</exception>
    public static string DigestOf(EngineOptions options, string folder)
    {
        if (options.ModelDigest is { } pinned && !ModelDigest.IsOne(pinned))
        {
            throw new ConfigurationException($"'engine.model_digest' is no digest: give {ModelDigest.Length} hexadecimal digits in lower case, the same at every hospital of this model.");
        }

        if (options.Kind is not (Embedded or Sharded))
        {
            return options.ModelDigest ?? ModelDigest.OfName(options.RemoteModel ?? string.Empty, options.Adapter is { } adapter ? NameOf(adapter) : null);
        }

        var digest = ModelDigest.Of(PathOf(options, folder), options.Adapter is { } file ? Path.GetFullPath(Path.Combine(folder, file)) : null);
        return options.ModelDigest is null || options.ModelDigest == digest ? digest : throw new ConfigurationException(
            $"The model in '{PathOf(options, folder)}' has the digest {digest}, and 'engine.model_digest' is another: put the agreed weights, tokenizer and adapter there, or pin what is there at every hospital.");
    }

    private static async Task LoadAdapterAsync(RemoteEngine engine, string adapter)
    {
        try
        {
            await engine.LoadAdapterAsync(NameOf(adapter), adapter, CancellationToken.None);
        }
        catch (NotSupportedException error)
        {
            throw new ConfigurationException($"'engine.adapter' cannot be used: {error.Message}", error);
        }
    }

    private static RemoteEngineOptions ToRemote(EngineOptions options) => new()
    {
        Kind = Named(Servers, options.Kind, "engine.kind", Embedded, Sharded),
        BaseUrl = Address(options.BaseUrl, options.AllowClearText),
        Model = options.RemoteModel ?? throw new ConfigurationException("'engine.remote_model' is missing: give the model's name at the server."),
        ApiKey = options.ApiKeyVariable is { } variable
            ? Environment.GetEnvironmentVariable(variable) ?? throw new ConfigurationException($"'engine.api_key_variable' names {variable}, which is not set.")
            : null,
        ContextTokens = options.ContextTokens >= 0 ? options.ContextTokens : throw new ConfigurationException("'engine.context_tokens' is below 0: give the context in tokens, or leave it out."),
        Scores = options.Scores is { } scores ? Named(ScoreSources, scores, "engine.scores") : null,
    };

    private static T Named<T>(Dictionary<string, T> known, string name, string key, params IEnumerable<string> others) =>
        known.TryGetValue(name, out var value) ? value : throw new ConfigurationException($"'{key}' is '{name}': one of {string.Join(", ", others.Concat(known.Keys))}.");

    private static Uri Address(string? text, bool allowClearText)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw new ConfigurationException("'engine.base_url' is missing or no address: give the server's, as in http://127.0.0.1:8000/v1.");
        }

        if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback && !allowClearText)
        {
            throw new ConfigurationException(
                $"'engine.base_url' is http://{address.Authority}: prompts and patients' records would travel in clear. Give an https address, or 'engine.allow_clear_text: true' on a network of its own.");
        }

        // They would not be sent, and addresses are logged.
        return address.UserInfo.Length + address.Query.Length == 0
            ? address
            : throw new ConfigurationException("'engine.base_url' holds a user, a password or a query: give the key in an environment variable that 'engine.api_key_variable' names.");
    }

    private static EmbeddedEngine LoadEmbedded(EngineOptions options, string folder, ISecureRandom random, TimeProvider clock)
    {
        var path = PathOf(options, folder);
        try
        {
            var adapter = options.Adapter is { } file ? LoraAdapter.Read(Path.GetFullPath(Path.Combine(folder, file))) : null;
            return new EmbeddedEngine(LanguageModel.Load(path, adapter: adapter), NameOf(path), random, clock);
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The model in '{path}' cannot be loaded: {error.Message}", error);
        }
    }

    private static string PathOf(EngineOptions options, string folder) => options.Model is { } given ? Path.GetFullPath(Path.Combine(folder, given)) : BundledModel.Folder;

    private static string NameOf(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
}
