namespace FederatedDpLlm.Inference;

/// <summary>A node sent a part that does not fit its plan; nothing was drawn from it.</summary>
public sealed class InvalidPartException(string message) : Exception(message)
{
    /// <summary>Whose part it is, by its index; null where it is not known.</summary>
    public int? Part { get; init; }
}
