using System.Globalization;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Security.Audit;

namespace FederatedDpLlm.Inference;

/// <summary>What the audit log keeps of a question: names and numbers, never its text.</summary>
public static class AnswerAudit
{
    public static IReadOnlyDictionary<string, string> Details(
        Question question, IReadOnlyList<AnswerCost> costs, NoisePlace noise, IEnumerable<string> nodes, string department, string purpose, string? freeReason = null)
    {
        var cost = AnswerCost.Sum(costs);
        return new Dictionary<string, string>
        {
            ["mechanism"] = QuestionWire.NameOf(question.Mechanism),
            ["trust"] = noise == NoisePlace.Node ? "node" : "router",
            ["nodes"] = Names([.. nodes]),
            ["department"] = department,
            ["purpose"] = purpose,
            ["epsilonAsked"] = question.Epsilon.ToString(),
            ["epsilon"] = cost.Epsilon.ToString(),
            ["delta"] = cost.Delta.ToString(),
            ["rho"] = cost.Rho.ToString(),
            ["releases"] = cost.Releases.ToString(CultureInfo.InvariantCulture),
            ["answers"] = question.Answers.ToString(CultureInfo.InvariantCulture),
            ["reason"] = freeReason ?? string.Empty,
        };
    }

    // As many names as an entry's detail holds; every hospital that took part has an entry of its own under the same request.
    private static string Names(IReadOnlyList<string> nodes)
    {
        var all = string.Join(',', nodes);
        if (all.Length <= AuditRecord.LongestText)
        {
            return all;
        }

        for (var shown = nodes.Count - 1; ; shown--)
        {
            var some = string.Join(',', nodes.Take(shown).Append($"+{nodes.Count - shown}"));
            if (some.Length <= AuditRecord.LongestText || shown == 0)
            {
                return some;
            }
        }
    }
}
