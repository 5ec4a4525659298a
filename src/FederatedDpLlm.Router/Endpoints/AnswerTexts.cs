using System.Text;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>The texts of a question's answers, put together from their pieces.</summary>
internal sealed class AnswerTexts(int answers)
{
    private readonly StringBuilder[] _texts = [.. Enumerable.Range(0, answers).Select(_ => new StringBuilder())];

    public IReadOnlyList<string> All => [.. _texts.Select(text => text.ToString())];

    public void Add(RouteEvent one)
    {
        if (one is RouteEvent.Text text)
        {
            _texts[text.Answer].Append(text.Value);
        }
    }
}
