using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Engines.OpenAi;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Monitoring.Health;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Node;

/// <summary>The node's composition: its records, its engine, its data accounts.</summary>
internal static class NodeServices
{
    private const int LargestMessageBytes = 4 * 1024 * 1024;

    public static async Task AddNodeAsync(this IServiceCollection services, NodeConfiguration configuration, string folder)
    {
        string At(string path) => Path.Combine(folder, path);
        var clock = TimeProvider.System;
        var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(options => options.SingleLine = true));
        var random = new SecureRandom();

        var loaded = HospitalRecords.Load(At(configuration.Records.Path), configuration.Records.Map is { } map ? ColumnMapping.Parse(map) : null);
        var blocks = new PatientBlocks(loaded.Records, configuration.AdmissionWindows, configuration.Block);
        var shards = new ShardedRecords(loaded.Records, SecretFile.LoadOrCreate(At(configuration.Records.ShardKey), PatientHash.MinKeySizeBytes), configuration.Records.Shards, blocks);

        var ledger = await SqliteBudgetLedger.OpenAsync(At(configuration.Ledger), clock, loggers.CreateLogger<SqliteBudgetLedger>(), CancellationToken.None);
        foreach (var block in blocks.Names)
        {
            await ledger.EnsureAccountAsync(configuration.DataBudget.ToPolicy(AccountId.Data(configuration.Hospital, block), "data_budget"), CancellationToken.None);
        }

        var engine = configuration.Engine.Kind == "sharded"
            ? await ShardedEngines.StartAsync(configuration, folder, ledger.RecordAsync, random, loggers)
            : await CreateEngineAsync(configuration.Engine, folder, random, clock);
        var answering = new PrivateAnswering(engine, shards, random);

        var patients = loaded.Records.Select(record => record.PatientId).Distinct(StringComparer.Ordinal).Count();
        loggers.CreateLogger("FederatedDpLlm.Node").LogInformation(
            "{Hospital}: {Records} records of {Patients} patients in {Shards} shards; {Skipped} records skipped.",
            configuration.Hospital, loaded.Records.Count, patients, shards.Count, loaded.SkippedCount);
        services.AddSingleton(new NodeProfile(
            configuration.Hospital, configuration.TrustRouterWithNoise, configuration.DataBudget.Delta,
            engine.Capabilities.Scores, engine.Capabilities.Logits)
        {
            Blocks = blocks.Names,
            MostFederationVoters = configuration.MostFederationVoters,
        });
        services.AddSingleton(clock).AddSingleton<IBudgetLedger>(_ => ledger).AddSingleton(new PatientSpread(configuration.HospitalsPerPatient));
        services.AddSingleton<IPrivateAnswering>(answering).AddSingleton<DataAccounts>().AddSingleton<NodeAdmission>().AddSingleton<NodeSettlement>().AddSingleton<NodeLoad>();
        services.AddGrpc(options => options.MaxReceiveMessageSize = LargestMessageBytes);
        if (StopWithInput.IsAsked)
        {
            services.AddHostedService<StopWithInput>();
        }
    }

    private static async Task<IInferenceEngine> CreateEngineAsync(EngineOptions options, string folder, SecureRandom random, TimeProvider clock) => options.Kind switch
    {
        "embedded" => LoadEmbedded(options, folder, random, clock),
        "openai" => await OpenAiCompatibleEngine.ConnectAsync(ToOpenAi(options), clock, CancellationToken.None),
        _ => throw new ConfigurationException($"'engine.kind' is '{options.Kind}': one of embedded, sharded, openai."),
    };

    private static OpenAiEngineOptions ToOpenAi(EngineOptions options) => new()
    {
        BaseUrl = Uri.TryCreate(options.BaseUrl, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address!
            : throw new ConfigurationException("'engine.base_url' is missing or no address: give the server's, as in http://127.0.0.1:8000/v1."),
        Model = options.RemoteModel ?? throw new ConfigurationException("'engine.remote_model' is missing: give the model's name at the server."),
        ApiKey = options.ApiKeyVariable is { } variable
            ? Environment.GetEnvironmentVariable(variable) ?? throw new ConfigurationException($"'engine.api_key_variable' names {variable}, which is not set.")
            : null,
        ContextTokens = options.ContextTokens,
    };

    private static EmbeddedEngine LoadEmbedded(EngineOptions options, string folder, SecureRandom random, TimeProvider clock)
    {
        var path = options.Model is { } given ? Path.GetFullPath(Path.Combine(folder, given)) : BundledModel.Folder;
        try
        {
            return new EmbeddedEngine(LanguageModel.Load(path), Path.GetFileName(Path.TrimEndingDirectorySeparator(path)), random, clock);
        }
        catch (Exception error) when (error is ModelFormatException or IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The model in '{path}' cannot be loaded: {error.Message}", error);
        }
    }
}
