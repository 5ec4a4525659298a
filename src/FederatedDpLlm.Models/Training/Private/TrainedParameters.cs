using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>What a training changes of a model: all its weights, or factors of low rank beside them.</summary>
internal abstract class TrainedParameters
{
    /// <summary>What the optimiser changes.</summary>
    public abstract TensorSet Values { get; }

    /// <summary>The model's weights with the values in.</summary>
    public abstract TensorSet Effective { get; }

    /// <summary>Brings <see cref="Effective"/> up to date with changed values.</summary>
    public abstract void Apply();

    /// <summary>A reader of examples' gradients, for one thread.</summary>
    /// <param name="longest">Most rows of an example.</param>
    public abstract ExampleGradients Gradients(int longest);
}
