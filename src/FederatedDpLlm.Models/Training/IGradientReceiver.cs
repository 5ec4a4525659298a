using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Training;

/// <summary>What becomes of the gradients that a backward pass finds, in the order in which it finds them.</summary>
internal unsafe interface IGradientReceiver
{
    /// <summary>A linear map's gradient is outputGradient^T input.</summary>
    /// <param name="name">Of the matrix.</param>
    /// <param name="rows">Rows of both factors.</param>
    /// <param name="outputGradient">Overwritten after the call.</param>
    /// <param name="input">Stays as it is until the next forward pass.</param>
    /// <param name="spare">Memory of the output gradient's size that the pass does not need any more, or null.</param>
    void Linear(string name, int rows, FloatBuffer outputGradient, FloatBuffer input, FloatBuffer? spare);

    /// <summary>Where the gradient of a vector, a norm's gain or a bias, is to be added for a row of the pass.</summary>
    float* Vector(string name, int row);

    /// <summary>The input embedding's gradient: each row of the stream's goes to its token's.</summary>
    void Embedding(ReadOnlySpan<int> tokens, FloatBuffer streamGradient);
}
