using System.Text;
using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>
/// One draw of noise under one hold, and what became of it. Disposing it settles what is still open: spent where a node may have drawn, returned where
/// surely none did.
/// </summary>
internal sealed class DrawAttempt(
    QuotaHold hold, RoutedQuestion question, AnswerPlan plan, bool buffered, RouteJournal.Entry entry, CancellationToken asker) : IAsyncDisposable
{
    private readonly StringBuilder[] _heldBack = [.. Enumerable.Range(0, question.Question.Answers).Select(_ => new StringBuilder())];
    private readonly List<string> _nodes = [];

    public QuotaHold Hold => hold;

    public RoutedQuestion Question => question;

    public AnswerPlan Plan => plan;

    /// <summary>Whether a node got the question and has not proved that it drew nothing.</summary>
    public bool MayHaveDrawn { get; private set; }

    /// <summary>Whether the caller has seen text of this draw.</summary>
    public bool ShowedText { get; private set; }

    /// <summary>Whether the question has its last event and the hold is settled.</summary>
    public bool IsOver { get; private set; }

    public void Sent(params ReadOnlySpan<string> nodes)
    {
        MayHaveDrawn = true;
        _nodes.AddRange(nodes);
    }

    public void NothingDrawn()
    {
        MayHaveDrawn = false;
        _nodes.RemoveAt(_nodes.Count - 1);
    }

    public void End() => IsOver = true;

    /// <summary>Nothing was drawn, and nothing will be.</summary>
    public async Task<RouteEvent> RefuseAsync(RouteRefusal refusal)
    {
        await hold.ReleaseAsync(refusal.Code);
        IsOver = true;
        return new RouteEvent.Refused(refusal);
    }

    /// <returns>The event to pass on, or null where the text is held back until the answer is whole.</returns>
    public RouteEvent.Text? Show(string text, int answer)
    {
        if (buffered)
        {
            _heldBack[answer].Append(text);
            return null;
        }

        ShowedText = true;
        return new RouteEvent.Text(text, answer);
    }

    public IEnumerable<RouteEvent.Text> TakeHeldBack() =>
        _heldBack.Index().Where(answer => answer.Item.Length > 0).Select(answer => new RouteEvent.Text(answer.Item.ToString(), answer.Index));

    public async ValueTask DisposeAsync()
    {
        if (IsOver)
        {
            return;
        }

        if (MayHaveDrawn)
        {
            entry.Lost(plan.FreeReason is null ? AnswerCost.Sum(plan.Costs) : AnswerCost.Free, _nodes);
        }

        if (!hold.IsEnded)
        {
            var reason = asker.IsCancellationRequested ? "cancelled" : "broke-off";
            await (MayHaveDrawn ? hold.SpendAllAsync(_nodes, reason) : hold.ReleaseAsync(reason));
        }
    }
}
