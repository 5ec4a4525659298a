namespace FederatedDpLlm.Inference;

/// <summary>The router's drawing of one answer's tokens: it keeps the released tokens, for penalties and for counting.</summary>
public interface IRouterDecoding
{
    /// <summary>Draws the next token from one step of every node.</summary>
    /// <returns>The token, to be fed to every node.</returns>
    /// <exception cref="InvalidPartException">The nodes' parts differ in candidates or public logits, or the voters do not add up to the plan's.</exception>
    /// <exception cref="InvalidOperationException">The plan's tokens are used up.</exception>
    int Draw(IReadOnlyList<DecodingStep> parts);

    /// <summary>What was drawn so far, an ending token included.</summary>
    AnswerCost Cost { get; }

    /// <summary>Tokens drawn so far.</summary>
    int Tokens { get; }
}
