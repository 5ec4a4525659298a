namespace FederatedDpLlm.Models.Weights;

/// <summary>Named tensors of a model in the Hugging Face naming and layout (rotary pairs half-split), whatever file they come from.</summary>
internal interface ITensorSource
{
    bool Contains(string name);

    /// <summary>How the tensor is stored; Float32 where the source says nothing else.</summary>
    ElementType TypeOf(string name) => ElementType.Float32;

    /// <summary>Fills <paramref name="destination"/> with a tensor of <paramref name="rows"/> x <paramref name="columns"/> (rows 1 for a vector), row-major, widened to float.</summary>
    /// <exception cref="ModelFormatException">The tensor is missing, or has another shape or an unreadable element type.</exception>
    void Read(string name, int rows, int columns, Span<float> destination);

    /// <summary>
    /// Fills <paramref name="destination"/> with whole rows from <paramref name="firstRow"/> on as they are stored (<see cref="TypeOf"/>). Only asked for
    /// where the type is not Float32.
    /// </summary>
    /// <exception cref="ModelFormatException">As for <see cref="Read"/>.</exception>
    void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination) =>
        throw new ModelFormatException($"The tensor '{name}' has no stored form.");
}
