using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models;

/// <summary>What a model file says of itself.</summary>
/// <param name="Format"><c>safetensors</c>, <c>gguf</c> or <c>llama2.c</c>.</param>
/// <param name="Name">The folder's or file's name.</param>
/// <param name="Configuration">The model's shape.</param>
/// <param name="Tensors">How many tensors are stored in which type.</param>
/// <param name="Tokenizer">Null where it is in a file that was not named.</param>
public sealed record ModelSummary(
    string Format, string Name, ModelConfiguration Configuration, IReadOnlyDictionary<ElementType, int> Tensors, ITokenizer? Tokenizer);
