using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>Draws the tokens of one private decoding, at a node or at the router, and counts what was drawn: never more than the plan's tokens.</summary>
internal sealed class TokenDraw(AnswerPlan plan, ISecureRandom random)
{
    private readonly ClippedLogitDecoding _decoding = plan.Decoding ?? throw new ArgumentException("The plan is no private decoding.", nameof(plan));
    private readonly TokenShaping _shaping = new(plan.Question.Sampling);

    /// <summary>Tokens drawn so far, an ending one included.</summary>
    public int Tokens { get; private set; }

    public AnswerCost Cost => plan.CostOf(Tokens);

    /// <exception cref="InvalidOperationException">The plan's tokens are used up.</exception>
    /// <exception cref="InvalidPartException">No candidate has a finite logit.</exception>
    public int Draw(IReadOnlyList<int> candidates, ReadOnlySpan<float> publicLogits, ReadOnlySpan<long> sums)
    {
        if (Tokens == _decoding.MaxTokens)
        {
            throw new InvalidOperationException("The plan's tokens are used up.");
        }

        if (!publicLogits.ContainsAnyInRange(float.MinValue, float.MaxValue))
        {
            throw new InvalidPartException("The engine gave no finite logit.");
        }

        var shaped = _shaping.Shape(candidates, publicLogits);
        Tokens++;
        var token = candidates[_decoding.Sample(shaped, sums, random)];
        _shaping.Release(token);
        return token;
    }
}
