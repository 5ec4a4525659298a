using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>Which nodes may answer a question at all.</summary>
internal static class NodeSelection
{
    public static List<NodeSnapshot> Candidates(NodeDirectory nodes, RoutedQuestion question, IReadOnlySet<string> tried) =>
        [.. nodes.Askable(question.Kind, question.Caller.User).Where(node => node.Status is { } status && status.Model == question.Model && !tried.Contains(node.Id) && Offers(status, question))];

    /// <summary>
    /// Those whose parts can be added up: they serve the same weights, tokenizer and adapter, by their digest. Where hospitals differ, most hospitals go first, among equals most voters.
    /// </summary>
    public static IReadOnlyList<NodeSnapshot> OfOneModel(IEnumerable<NodeSnapshot> candidates) => candidates
        .GroupBy(node => node.Status!.ModelDigest, StringComparer.Ordinal)
        .OrderByDescending(group => group.Count()).ThenByDescending(group => group.Sum(node => (long)node.Status!.Voters)).ThenBy(group => group.Key, StringComparer.Ordinal)
        .FirstOrDefault()?.ToList() ?? [];

    /// <summary>Why there is none, for the asker: where nodes serve the model and their engines lack what the question needs, what to do instead.</summary>
    public static string WhyNone(NodeDirectory nodes, RoutedQuestion question)
    {
        var serving = nodes.Snapshots.Where(node => node.Healthy && node.Status is { } status && status.Model == question.Model).ToList();
        return question.Question.Mechanism switch
        {
            AnswerMechanism.PrivateDecoding when serving.Count > 0 && serving.TrueForAll(node => !node.Status!.Logits) =>
                "Private decoding needs token log-probabilities, and no hospital's engine gives them: ask with privacy.choices, or have a node's model served by vLLM, llama.cpp or the embedded engine.",
            AnswerMechanism.Choice when serving.Count > 0 && serving.TrueForAll(node => !node.Status!.Scores) =>
                "A choice needs the likelihoods of its options, and no hospital's engine gives them: ask without privacy.choices.",
            _ when serving.Exists(node => node.MayAnswer && !nodes[node.Id].MayAsk(question.Kind, question.Caller.User)) =>
                "Your last questions of this kind broke at the hospitals' nodes, so none is sent for now, and nothing is charged: one is let through after a pause that grows. Ask another way, or have an operator look at the nodes.",
            _ => "No hospital's node can answer this question now.",
        };
    }

    private static bool Offers(Protocol.NodeStatus status, RoutedQuestion question) => question.Question.Mechanism switch
    {
        AnswerMechanism.Choice => status.Scores,
        AnswerMechanism.PrivateDecoding => status.Logits,
        _ => true,
    } && (question.Trust == NoisePlace.Node || question.Question.Mechanism == AnswerMechanism.Public || status.RouterNoiseAllowed);
}
