namespace FederatedDpLlm.Models.Weights;

/// <summary>Named tensors of a model in the Hugging Face naming and layout (rotary pairs half-split), whatever file they come from.</summary>
internal interface ITensorSource
{
    bool Contains(string name);

    /// <summary>Fills <paramref name="destination"/> with a tensor of <paramref name="rows"/> x <paramref name="columns"/> (rows 1 for a vector), row-major, widened to float.</summary>
    /// <exception cref="ModelFormatException">The tensor is missing, or has another shape or an unreadable element type.</exception>
    void Read(string name, int rows, int columns, Span<float> destination);
}
