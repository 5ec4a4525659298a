namespace FederatedDpLlm.Inference;

/// <summary>One piece of a question's answers, one answer after the other: some text, or how an answer ended.</summary>
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

    /// <summary>The last piece of an answer. A stream that ends with fewer of them than answers were asked for failed: all of its plan is spent.</summary>
    public sealed record Completed(AnswerCompletion Completion) : AnswerPiece;
}
