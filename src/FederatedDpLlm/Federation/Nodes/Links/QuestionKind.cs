using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;

namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>A kind of question, with a way of its own through a node: that a node breaks at one kind says nothing of the others.</summary>
/// <param name="Mechanism">How the answer is made.</param>
/// <param name="Trust">Who draws the noise; a public answer has none, whatever was asked.</param>
public readonly record struct QuestionKind(AnswerMechanism Mechanism, NoisePlace Trust)
{
    /// <summary>As people read it.</summary>
    public string Name => QuestionWire.NameOf(Mechanism) + (Trust == NoisePlace.Router && Mechanism != AnswerMechanism.Public ? " for the router's noise" : string.Empty);

    public static QuestionKind Of(Inference.Question question, NoisePlace trust) =>
        new(question.Mechanism, question.Mechanism == AnswerMechanism.Public ? NoisePlace.Node : trust);
}
