namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>How a node does at one kind of question that it was asked.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="MayAsk">Whether the next question may go to the node: always where it is not left alone, else when its pause is over.</param>
/// <param name="Pause">How long it is left alone; zero where it is asked as any other.</param>
/// <param name="Trouble">What is wrong; null where nothing is.</param>
public sealed record KindState(QuestionKind Kind, bool MayAsk, TimeSpan Pause, string? Trouble)
{
    public bool IsPaused => Pause > TimeSpan.Zero;
}
