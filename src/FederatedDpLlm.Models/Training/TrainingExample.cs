namespace FederatedDpLlm.Models.Training;

/// <summary>One sequence to learn from.</summary>
/// <param name="Tokens">At least two.</param>
/// <param name="Weights">How much predicting each token counts, from 0; the first token's is not used.</param>
public sealed record TrainingExample(IReadOnlyList<int> Tokens, IReadOnlyList<float> Weights)
{
    /// <summary>The tokens that go through the model.</summary>
    internal int Rows => Tokens.Count - 1;

    /// <summary>The sum of the weights.</summary>
    internal double TotalWeight => Weights.Skip(1).Sum(weight => (double)weight);
}
