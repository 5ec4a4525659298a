namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>
/// One question at a node, counted in until it is disposed. Say how it ended before: the first word counts. One that is disposed without a word (a refusal, a caller who left)
/// says nothing of the node.
/// </summary>
public sealed class TrackedQuestion : IDisposable
{
    private readonly NodeLink _link;
    private readonly QuestionKind _kind;
    private readonly KindTurn _turn;
    private readonly long _started;
    private bool _ended;
    private bool _left;

    internal TrackedQuestion(NodeLink link, QuestionKind kind, KindTurn turn, long started) => (_link, _kind, _turn, _started) = (link, kind, turn, started);

    /// <summary>The node gave what was asked for.</summary>
    public void Answered() => End(broke: false);

    /// <summary>The node broke off, did not answer in time, or sent what does not fit.</summary>
    public void Broke() => End(broke: true);

    public void Dispose()
    {
        if (!_left)
        {
            _left = true;
            _link.CountOut(_kind, _ended ? null : _turn);
        }
    }

    private void End(bool broke)
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        if (broke)
        {
            _link.CountBreak(_kind, _turn);
        }
        else
        {
            _link.CountAnswer(_kind, _turn, _started);
        }
    }
}
