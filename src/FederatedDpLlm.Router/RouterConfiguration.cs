using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Routing.Retries;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Router;

/// <summary>The router's YAML file, named by <c>CONFIG_FILE</c>. Paths in it are relative to the file.</summary>
internal sealed record RouterConfiguration
{
    /// <summary>The federation's name, as its certificates carry it.</summary>
    public required string Federation { get; init; }

    public ListenOptions Api { get; init; } = new() { Port = 8080 };

    public ListenOptions Metrics { get; init; } = new() { Port = 8090 };

    public required LinkIdentityOptions Identity { get; init; }

    public required TokenOptions Tokens { get; init; }

    /// <summary>The quotas' ledger and the audit log: one file, one commit.</summary>
    public required string Ledger { get; init; }

    public RoutingOptions Routing { get; init; } = new();

    public RetryOptions Retries { get; init; } = new();

    public DashboardOptions Dashboard { get; init; } = new();

    public required List<NodeEndpoint> Nodes { get; init; }

    public required PrivacyBudgets PrivacyBudgets { get; init; }

    public static (RouterConfiguration Configuration, string Folder) Load()
    {
        var path = Environment.GetEnvironmentVariable("CONFIG_FILE")
            ?? throw new ConfigurationException("CONFIG_FILE is not set: name the router's YAML file, for example CONFIG_FILE=.fedllm/router/router.yaml (fedllm demo writes one).");
        var configuration = StrictYaml.Load<RouterConfiguration>(path);
        if (configuration.Nodes.Count == 0)
        {
            throw new ConfigurationException($"The configuration '{path}' names no nodes: add at least one under 'nodes' with 'id' and 'address'.");
        }

        if (configuration.Nodes.GroupBy(node => node.Id, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ConfigurationException($"The configuration '{path}' names the node '{twice.Key}' twice.");
        }

        return (configuration, Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}

/// <summary>Who may look at the page's data without a token.</summary>
internal sealed record DashboardOptions
{
    /// <summary>
    /// Whether callers on this machine's loopback address may read accounts and decisions (never text) without a token. For a demo on one's own machine;
    /// behind a reverse proxy every caller comes from the loopback address, so leave it off there.
    /// </summary>
    /// <value>Default: false.</value>
    public bool OpenToThisMachine { get; init; }
}
