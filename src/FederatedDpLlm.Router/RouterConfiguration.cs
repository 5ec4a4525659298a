using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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

    /// <summary>Where the API and the page answer: in clear on this machine only, else with a certificate.</summary>
    public ApiOptions Api { get; init; } = new();

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

        if (configuration.Nodes.Find(node => !node.IsUsable) is { } wrong)
        {
            throw new ConfigurationException($"The configuration '{path}' names a node '{wrong.Id}' at '{wrong.Address}': an id has 1 to {NodeEndpoint.LongestId} letters, digits, '-', '_', '.', and an address is https://HOST:PORT.");
        }

        return (configuration, Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}

/// <summary>The API's listener. Tokens and prompts pass through it.</summary>
internal sealed record ApiOptions
{
    /// <value>Default: 127.0.0.1.</value>
    public string Address { get; init; } = "127.0.0.1";

    /// <value>1 to 65,535. Default: 8080.</value>
    public int Port { get; init; } = 8080;

    /// <summary>PEM file of the certificate that browsers and clients see; with <see cref="Key"/>. Without it the API answers in clear.</summary>
    public string? Certificate { get; init; }

    /// <summary>PEM file of the certificate's key.</summary>
    public string? Key { get; init; }

    /// <summary>Whether an address other than this machine's may answer in clear: only behind a proxy that ends TLS on a network of its own.</summary>
    /// <value>Default: false.</value>
    public bool AllowClearText { get; init; }

    /// <exception cref="ConfigurationException">The address or port is none, it would answer others in clear, or the certificate cannot be used.</exception>
    public (IPEndPoint Address, X509Certificate2? Certificate) Load(string folder)
    {
        var endpoint = new ListenOptions { Address = Address, Port = Port }.ToEndPoint("api");
        if (Certificate is null != Key is null)
        {
            throw new ConfigurationException("'api.certificate' and 'api.key' belong together: give both or neither.");
        }

        if (Certificate is null)
        {
            return IPAddress.IsLoopback(endpoint.Address) || AllowClearText
                ? (endpoint, null)
                : throw new ConfigurationException(
                    $"'api.address' is {Address}: tokens and prompts would travel in clear. Give 'api.certificate' and 'api.key', or 'api.allow_clear_text: true' behind a proxy that ends TLS.");
        }

        try
        {
            return (endpoint, X509Certificate2.CreateFromPemFile(Path.Combine(folder, Certificate), Path.Combine(folder, Key!)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ConfigurationException($"'api.certificate' and 'api.key' cannot be used: {error.Message}", error);
        }
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
