using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>Every weight is trained.</summary>
/// <remarks>
/// The clipped sum of a pass is one matrix product in float32, rounded to the grid as a whole, so how far one example moves it is bounded by analysis only and grows with
/// the number of passes; <see cref="LowRankFactors"/> round example by example and count the bound in integers. Hospitals are offered those.
/// </remarks>
internal sealed class FullWeights(ModelConfiguration shape, TensorSet weights) : TrainedParameters
{
    public override TensorSet Values => weights;

    public override TensorSet Effective => weights;

    public override void Apply()
    {
    }

    public override ExampleGradients Gradients(int longest) => new FullGradients(shape, longest);
}
