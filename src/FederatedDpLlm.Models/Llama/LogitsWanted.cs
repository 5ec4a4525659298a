namespace FederatedDpLlm.Models.Llama;

/// <summary>After which tokens of a chunk the logits are computed.</summary>
internal enum LogitsWanted
{
    None,
    Last,
    All,
}
