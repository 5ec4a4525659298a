using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// The ends of the model, which stay in the asking hospital's zone even where an agreement opens another one: what enters layer 0 is the embeddings, that is the prompt itself, and
/// the head reads the next token out of what leaves the last layer. This keeps the cheapest attacks out and is no privacy: <see cref="PromptInversion.Replay"/> recovers a prompt at any depth.
/// </summary>
/// <param name="Zone">The asking hospital's zone.</param>
/// <param name="FirstLayers">How many of the first layers stay; at least 1. The last layer always stays.</param>
public sealed record HomeEdges(string Zone, int FirstLayers)
{
    /// <summary>The fewest first layers that stay, whatever an agreement says.</summary>
    public const int LeastFirstLayers = 1;

    /// <summary>
    /// The first layers that stay where nothing else is configured. By <c>fedllm shard inversion</c>, one pass over the vocabulary recovers 100 % of a prompt from the bundled model's
    /// embeddings, 76 % behind one layer, 49 % behind four, 8 % behind seven of its eight. The head reads every next token behind the last layer, 31 % of them before it: so one stays there.
    /// </summary>
    public const int DefaultFirstLayers = 4;

    /// <summary>The layers that another zone may hold; empty where the model is too shallow.</summary>
    internal SliceRun Between(ModelConfiguration shape) => FirstLayers < shape.Layers - 1 ? new SliceRun(FirstLayers, shape.Layers - 1) : SliceRun.None;
}
