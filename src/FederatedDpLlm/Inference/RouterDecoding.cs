using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference;

/// <summary>The router's drawing of one answer's tokens: it keeps the released tokens, for penalties and for counting. Nodes whose public logits differ serve different models and cannot be added up.</summary>
public sealed class RouterDecoding(AnswerPlan plan, ISecureRandom random)
{
    // The embedded engine gives the same bits everywhere; other engines of one model differ in the last digits.
    private const float MaxPublicDifference = 0.01f;
    private readonly TokenDraw _draw = new(plan, random);

    /// <summary>What was drawn so far, an ending token included.</summary>
    public AnswerCost Cost => _draw.Cost;

    /// <summary>Tokens drawn so far.</summary>
    public int Tokens => _draw.Tokens;

    /// <summary>Draws the next token from one step of every node.</summary>
    /// <returns>The token, to be fed to every node.</returns>
    /// <exception cref="InvalidPartException">The nodes' parts differ in candidates or public logits, or the voters do not add up to the plan's.</exception>
    /// <exception cref="InvalidOperationException">The plan's tokens are used up.</exception>
    public int Draw(IReadOnlyList<DecodingStep> parts)
    {
        RouterNoise.RequireVoters(plan, parts.Select(part => part.Voters));
        var first = parts[0];
        if (!parts.All(part => Fits(part, first)))
        {
            throw new InvalidPartException("The nodes' candidates or public logits differ: they do not serve the same model.") { Part = OddOneOut(parts) };
        }

        var sums = new long[first.Candidates.Count];
        foreach (var part in parts)
        {
            Add(part, sums);
        }

        return _draw.Draw(first.Candidates, [.. first.PublicLogits], sums);
    }

    // What no voters of that number could have summed up is clamped, so that a hostile node's weight stays that of its voters.
    private void Add(DecodingStep part, long[] sums)
    {
        var reach = (long)Math.Ceiling(plan.Decoding!.ClipNorm * (1 << 24)) * part.Voters;
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i] += Math.Clamp(part.Sums[i], -reach, reach);
        }
    }

    // The first part that fits fewer than half of all; of two that differ nobody knows who is wrong.
    private static int? OddOneOut(IReadOnlyList<DecodingStep> parts) =>
        parts.Index().Where(one => 2 * parts.Count(other => Fits(other, one.Item)) < parts.Count).Select(one => (int?)one.Index).FirstOrDefault();

    private static bool Fits(DecodingStep part, DecodingStep first) =>
        part.PublicLogits.Count == part.Candidates.Count && part.Sums.Count == part.Candidates.Count && part.Candidates.SequenceEqual(first.Candidates)
        && part.PublicLogits.Zip(first.PublicLogits).All(pair => pair.First.Equals(pair.Second) || MathF.Abs(pair.First - pair.Second) <= MaxPublicDifference);
}
