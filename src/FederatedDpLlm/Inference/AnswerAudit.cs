using System.Globalization;
using FederatedDpLlm.Inference.Wire;

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
            ["nodes"] = string.Join(',', nodes),
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
}
