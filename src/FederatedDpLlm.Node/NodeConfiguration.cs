using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Node;

/// <summary>The hospital's YAML file, named by <c>CONFIG_FILE</c>. Paths in it are relative to the file.</summary>
internal sealed record NodeConfiguration
{
    /// <summary>The federation's name, as its certificates carry it.</summary>
    public required string Federation { get; init; }

    /// <summary>The hospital that this node speaks for; its certificate must say the same.</summary>
    public required string Hospital { get; init; }

    public ListenOptions Listen { get; init; } = new() { Port = 8443 };

    public required LinkIdentityOptions Identity { get; init; }

    /// <summary>The data accounts' ledger and the hospital's own audit log.</summary>
    public required string Ledger { get; init; }

    public required RecordsOptions Records { get; init; }

    public EngineOptions Engine { get; init; } = new();

    /// <summary>The hospital's own lifetime budget on its patients' data. The router has no say in it.</summary>
    public required DataBudget DataBudget { get; init; }

    /// <summary>
    /// Patients are parted into blocks by when their earliest record was written, each with a data account of its own: new patients bring new blocks, and one that
    /// is spent is read no more. <c>none</c>, <c>yearly</c>, <c>quarterly</c> or <c>monthly</c>.
    /// </summary>
    /// <value>Default: none.</value>
    public AdmissionWindow AdmissionWindows { get; init; }

    /// <summary>The name of the one block without admission windows.</summary>
    public string Block { get; init; } = "all";

    /// <summary>At how many hospitals of the federation one patient may be known; every answer is charged for all of them.</summary>
    /// <value>1 to 100. Default: 2.</value>
    public int HospitalsPerPatient { get; init; } = 2;

    /// <summary>Whether the router may be handed unnoised votes and sums, to add all hospitals' up and draw the noise once.</summary>
    /// <value>Default: false.</value>
    public bool TrustRouterWithNoise { get; init; }

    /// <summary>With <c>trust_router_with_noise</c>: the most voters that the router may count over all hospitals. A question over more is refused.</summary>
    /// <value>Default: 100,000.</value>
    public int MostFederationVoters { get; init; } = 100_000;

    private NodeConfiguration Checked()
    {
        ConfigurationException.Require(Records.Shards is >= 1 and <= ShardedRecords.MostShards, "records.shards", Records.Shards, $"1 to {ShardedRecords.MostShards}");
        ConfigurationException.Require(HospitalsPerPatient is >= 1 and <= 100, "hospitals_per_patient", HospitalsPerPatient, "1 to 100");
        ConfigurationException.Require(MostFederationVoters >= Records.Shards, "most_federation_voters", MostFederationVoters, "at least this node's own 'records.shards'");
        return this;
    }

    public static (NodeConfiguration Configuration, string Folder) Load()
    {
        var path = Environment.GetEnvironmentVariable("CONFIG_FILE")
            ?? throw new ConfigurationException("CONFIG_FILE is not set: name the node's YAML file, for example CONFIG_FILE=.fedllm/nodes/hospital-a/node.yaml (fedllm demo writes one).");
        return (StrictYaml.Load<NodeConfiguration>(path).Checked(), Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}

/// <summary>The patients' records, and how they are split over voters.</summary>
internal sealed record RecordsOptions
{
    /// <summary>A <c>.jsonl</c>, <c>.csv</c> or FHIR <c>.ndjson</c> file, or a folder of a FHIR bulk export.</summary>
    public required string Path { get; init; }

    /// <summary>For CSV: <c>patientId=COLUMN,text=COLUMN+COLUMN</c>.</summary>
    public string? Map { get; init; }

    /// <summary>How many voters the patients are split over: fixed, never derived from the data. A changed number is a new split.</summary>
    /// <value>1 to 4,096. Default: 25.</value>
    public int Shards { get; init; } = 25;

    /// <summary>File with the secret key of the split (hexadecimal); made at the first start.</summary>
    public string ShardKey { get; init; } = "shard.key";
}
