using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>
/// Random weights to begin with: normal, embeddings with deviation 0.02, matrices with 0.05 (what writes to the residual stream smaller by the root of twice the
/// layers, as in GPT-2), gains of one.
/// </summary>
internal static class InitialWeights
{
    private const double EmbeddingDeviation = 0.02;
    private const double Deviation = 0.05;

    public static TensorSet Draw(ModelConfiguration shape, ulong seed)
    {
        var parameters = TensorSet.Zeros(shape);
        for (var index = 0; index < parameters.Shapes.Count; index++)
        {
            var tensor = parameters.Shapes[index];
            var values = parameters[tensor.Name].Span;
            if (tensor.IsVector)
            {
                values.Fill(tensor.Name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1);
                continue;
            }

            var random = new CounterRandom(seed, (ulong)index);
            var writesToStream = tensor.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || tensor.Name.EndsWith("down_proj.weight", StringComparison.Ordinal);
            var deviation = tensor.Name is TensorNames.Embedding or TensorNames.Head ? EmbeddingDeviation : writesToStream ? Deviation / Math.Sqrt(2 * shape.Layers) : Deviation;
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (float)(random.NextNormal() * deviation);
            }
        }

        return parameters;
    }
}
