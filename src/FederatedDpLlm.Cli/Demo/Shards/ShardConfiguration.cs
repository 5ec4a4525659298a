using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary>The YAML file of <c>fedllm shard serve</c>. Paths in it are relative to the file.</summary>
internal sealed record ShardConfiguration
{
    /// <summary>The federation's name, as its certificates carry it.</summary>
    public required string Federation { get; init; }

    /// <summary>This node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The trust zone that it stands in.</summary>
    public required string Zone { get; init; }

    /// <summary>The hospital whose coordinator may ask.</summary>
    public required string Coordinator { get; init; }

    /// <summary>The local copy of the model: a safetensors folder or a GGUF file.</summary>
    public required string Model { get; init; }

    public required LinkIdentityOptions Identity { get; init; }

    /// <summary>The address to listen on.</summary>
    /// <value>Default: 127.0.0.1.</value>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>The port to listen on; 0 for any free one.</summary>
    /// <value>Default: 0.</value>
    public int Port { get; init; }

    /// <summary>How much memory a plan may fill with weights, in MiB.</summary>
    /// <value>Default: 2048.</value>
    public long MemoryMebibytes { get; init; } = 2048;

    /// <summary>Most threads of one request.</summary>
    /// <value>Default: 1.</value>
    public int Threads { get; init; } = 1;
}
