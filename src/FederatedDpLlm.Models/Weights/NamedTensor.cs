namespace FederatedDpLlm.Models.Weights;

/// <summary>A tensor with its name: row-major floats.</summary>
internal sealed record NamedTensor(string Name, IReadOnlyList<int> Shape, ReadOnlyMemory<float> Values);
