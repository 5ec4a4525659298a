using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Hosting;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
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

        var loaded = HospitalRecords.Load(At(configuration.Records.Path), MappingOf(configuration.Records));
        var blocks = new PatientBlocks(loaded.Records, configuration.AdmissionWindows, configuration.Block);
        var shards = new ShardedRecords(loaded.Records, SecretFile.LoadOrCreate(At(configuration.Records.ShardKey), PatientHash.MinKeySizeBytes), configuration.Records.Shards, blocks);

        var ledger = await SqliteBudgetLedger.OpenAsync(At(configuration.Ledger), clock, loggers.CreateLogger<SqliteBudgetLedger>(), CancellationToken.None);
        foreach (var block in blocks.Names)
        {
            await configuration.DataBudget.OpenAsync(ledger, AccountId.Data(configuration.Hospital, block), "data_budget", CancellationToken.None);
        }

        await NodeAdapter.AdmitAsync(configuration, folder, ledger, CancellationToken.None);
        var engine = configuration.Engine.Kind == NodeEngine.Sharded
            ? await ShardedEngines.StartAsync(configuration, folder, ledger.RecordAsync, random, loggers)
            : await NodeEngine.OpenAsync(configuration.Engine, folder, random, clock);
        var answering = new PrivateAnswering(engine, shards, random);

        var patients = loaded.Records.Select(record => record.PatientId).Distinct(StringComparer.Ordinal).Count();
        loggers.CreateLogger("FederatedDpLlm.Node").LogInformation(
            "{Hospital}: {Records} records of {Patients} patients in {Shards} shards; {Skipped} records skipped.",
            configuration.Hospital, loaded.Records.Count, patients, shards.Count, loaded.SkippedCount);
        services.AddSingleton(new NodeProfile(
            configuration.Hospital, configuration.TrustRouterWithNoise, configuration.DataBudget.Delta,
            engine.Capabilities.Scores, engine.Capabilities.Logits)
        {
            ModelDigest = NodeEngine.DigestOf(configuration.Engine, folder),
            Blocks = blocks.Names,
            MostFederationVoters = configuration.MostFederationVoters,
        });
        services.AddSingleton(clock).AddSingleton<IBudgetLedger>(_ => ledger).AddSingleton(new PatientSpread(configuration.HospitalsPerPatient));
        services.AddSingleton(answering).AddSingleton<DataAccounts>().AddSingleton<NodeAdmission>().AddSingleton<NodeSettlement>().AddSingleton<NodeLoad>();
        services.AddSingleton(engine).AddSingleton<EngineWatch>();
        services.AddGrpc(options => options.MaxReceiveMessageSize = LargestMessageBytes);
        if (StopWithInput.IsAsked)
        {
            services.AddHostedService<StopWithInput>();
        }
    }

    private static ColumnMapping? MappingOf(RecordsOptions records)
    {
        try
        {
            return records.Map is { } map ? ColumnMapping.Parse(map) : null;
        }
        catch (FormatException error)
        {
            throw new ConfigurationException($"'records.map': {error.Message}", error);
        }
    }
}
