using FederatedDpLlm.Configuration;
using FederatedDpLlm.Security.Certificates;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary>The YAML file of <c>fedllm shard serve</c>. Paths in it are relative to the file.</summary>
internal sealed record ShardConfiguration
{
    private const long MostMebibytes = 16L << 20;
    private const int MostThreads = 1024;

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
    /// <value>0 to 65,535. Default: 0.</value>
    public int Port { get; init; }

    /// <summary>How much memory a plan may fill with weights, in MiB.</summary>
    /// <value>1 to 16,777,216 (16 TiB). Default: 2048.</value>
    public long MemoryMebibytes { get; init; } = 2048;

    /// <summary>Most threads of one request.</summary>
    /// <value>1 to 1,024. Default: 1.</value>
    public int Threads { get; init; } = 1;

    /// <exception cref="ConfigurationException">The file cannot be read, or a value is out of its range.</exception>
    public static ShardConfiguration Load(string path)
    {
        var read = StrictYaml.Load<ShardConfiguration>(path);
        ConfigurationException.Require(read.Port is >= 0 and <= 65_535, "port", read.Port, "0 (any free one) to 65535");
        ConfigurationException.Require(read.MemoryMebibytes is >= 1 and <= MostMebibytes, "memory_mebibytes", read.MemoryMebibytes, $"1 to {MostMebibytes}");
        ConfigurationException.Require(read.Threads is >= 1 and <= MostThreads, "threads", read.Threads, $"1 to {MostThreads}");
        return read;
    }
}
