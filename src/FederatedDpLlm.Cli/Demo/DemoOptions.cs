namespace FederatedDpLlm.Cli.Demo;

/// <summary>What <c>fedllm demo</c> was asked for.</summary>
internal sealed record DemoOptions(int Port, int MetricsPort, string DataFolder, string? Records, string? Map, int Hospitals, int Shards, double DataEpsilon, bool Json);
