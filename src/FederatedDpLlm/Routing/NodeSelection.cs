using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>Which nodes may answer a question at all.</summary>
internal static class NodeSelection
{
    public static List<NodeSnapshot> Candidates(NodeDirectory nodes, RoutedQuestion question, IReadOnlySet<string> tried) =>
        [.. nodes.Snapshots.Where(node => node.Healthy && node.Status is { } status && status.Model == question.Model && !tried.Contains(node.Id) && Offers(status, question))];

    private static bool Offers(Protocol.NodeStatus status, RoutedQuestion question) => question.Question.Mechanism switch
    {
        AnswerMechanism.Choice => status.Scores,
        AnswerMechanism.PrivateDecoding => status.Logits,
        _ => true,
    } && (question.Trust == NoisePlace.Node || question.Question.Mechanism == AnswerMechanism.Public || status.RouterNoiseAllowed);
}
