namespace FederatedDpLlm.Inference;

/// <summary>One piece of a streamed answer: some text, or, once and last, how it ended.</summary>
public abstract record AnswerPiece
{
    private AnswerPiece()
    {
    }

    /// <summary>Text to append; never empty.</summary>
    public sealed record Text(string Value) : AnswerPiece
    {
        /// <summary>Its length only: an answer is not for logs.</summary>
        public override string ToString() => $"Text ({Value.Length} characters)";
    }

    /// <summary>The last piece. A stream that ends without it failed: all of its plan is spent.</summary>
    public sealed record Completed(AnswerCompletion Completion) : AnswerPiece;
}
