using System.Text;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>The texts of a question's answers, put together from their pieces.</summary>
internal sealed class AnswerTexts
{
    private readonly Dictionary<int, StringBuilder> _texts = [];

    /// <summary>One text an answer, empty where no piece came.</summary>
    public IReadOnlyList<string> All(int answers) => [.. Enumerable.Range(0, answers).Select(answer => _texts.GetValueOrDefault(answer)?.ToString() ?? string.Empty)];

    public void Add(RouteEvent one)
    {
        if (one is RouteEvent.Text text)
        {
            (_texts.TryGetValue(text.Answer, out var begun) ? begun : _texts[text.Answer] = new StringBuilder()).Append(text.Value);
        }
    }
}
