using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>What a family's attention adds to Llama's; the last has both, as a Qwen 3 whose configuration asks for biases.</summary>
public enum Family
{
    Llama,
    Qwen2,
    Qwen3,
    Qwen3Biased,
}

/// <summary>Models of each family in which every parameter counts.</summary>
internal static class Families
{
    public static ModelConfiguration As(this ModelConfiguration shape, Family family) => shape with
    {
        AttentionBias = family is Family.Qwen2 or Family.Qwen3Biased, QueryKeyNorm = family is Family.Qwen3 or Family.Qwen3Biased,
    };

    /// <summary>Weights as drawn leave the attention flat; biases of zero and heads' gains of one hide mistakes in what multiplies them.</summary>
    public static TensorSet Spread(this TensorSet parameters, float factor)
    {
        var random = new CounterRandom(21);
        foreach (var tensor in parameters.Shapes.Where(tensor => !tensor.IsVector || tensor.Name.Contains("self_attn", StringComparison.Ordinal)))
        {
            foreach (ref var value in parameters[tensor.Name].Span)
            {
                value = tensor.IsVector ? value + (float)(random.NextNormal() * 0.3) : value * factor;
            }
        }

        return parameters;
    }
}
