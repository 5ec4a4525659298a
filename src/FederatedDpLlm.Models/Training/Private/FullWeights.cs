using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>Every weight is trained.</summary>
internal sealed class FullWeights(ModelConfiguration shape, TensorSet weights) : TrainedParameters
{
    public override TensorSet Values => weights;

    public override TensorSet Effective => weights;

    public override void Apply()
    {
    }

    public override ExampleGradients Gradients(int longest) => new FullGradients(shape, longest);
}
