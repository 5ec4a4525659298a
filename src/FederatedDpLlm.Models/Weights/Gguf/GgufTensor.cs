namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>A tensor's place in a GGUF file.</summary>
/// <param name="Name">GGUF's name, as <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Columns">The fastest dimension: elements of a row.</param>
/// <param name="Rows">All other dimensions together; 1 for a vector.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="Start">From the file's beginning.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record GgufTensor(string Name, long Columns, long Rows, GgufTensorType Type, long Start, long Bytes);
