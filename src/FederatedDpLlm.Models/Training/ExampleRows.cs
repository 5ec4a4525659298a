namespace FederatedDpLlm.Models.Training;

/// <summary>The rows of one example in a pass.</summary>
internal readonly record struct ExampleRows(int First, int Count);
