namespace FederatedDpLlm.Routing.Retries;

/// <summary>An answer as it was given, and the keyed hash of the request that it answers.</summary>
/// <param name="Request">32 bytes; the request itself is never kept.</param>
/// <param name="Body">The answer's bytes.</param>
public sealed record StoredAnswer(byte[] Request, byte[] Body)
{
    /// <summary>Its length only: an answer is not for logs.</summary>
    public override string ToString() => $"StoredAnswer ({Body.Length} bytes)";
}
