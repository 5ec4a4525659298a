using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Protocol;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Routing;

/// <summary>A question with who asks it, why, and how it is to be routed.</summary>
/// <param name="RequestId">Unique forever; names the reservation and the audit entries.</param>
/// <param name="Caller">From the verified token.</param>
/// <param name="Purpose">Names a quota of the policy.</param>
/// <param name="Model">As the API's models list names it.</param>
/// <param name="Strategy">Null for the router's default.</param>
/// <param name="Trust">Who draws the noise.</param>
/// <param name="Question">What is asked.</param>
public sealed record RoutedQuestion(string RequestId, Caller Caller, string Purpose, string Model, string? Strategy, NoisePlace Trust, Inference.Question Question)
{
    /// <summary>When it was asked: the time that its answer carries, the same however often it is given.</summary>
    public DateTimeOffset AskedAt { get; init; }

    /// <summary>Its way through a node.</summary>
    public QuestionKind Kind => QuestionKind.Of(Question, Trust);

    /// <summary>The question for a hospital's node.</summary>
    /// <param name="drawId">The draw's own id, on every ledger that it touches.</param>
    internal AnswerRequest ToWire(string drawId) => new()
    {
        RequestId = drawId,
        Actor = Caller.User,
        Department = Caller.Department,
        Purpose = Purpose,
        Question = QuestionWire.ToWire(Question),
    };
}
