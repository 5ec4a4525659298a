namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>
/// Whether questions of one kind may go to a node. One asker's prompt may break every engine that reads it: breaks of one asker keep that asker from the node, and everybody leaves it alone only where
/// the questions of another asker broke, too. Not safe for concurrent use: its link guards it.
/// </summary>
/// <remarks>A bulkhead for each asker around the breaker of M. Nygard, Release It! (2007): what one of them sends can be taken from no other.</remarks>
internal sealed class KindBreaker(TimeProvider clock)
{
    /// <summary>Askers whose breaks are remembered; beyond them the one that was noticed first is forgotten.</summary>
    public const int MostAskers = 1024;

    private readonly NodeBreaker _everybody = new(clock);
    private readonly OrderedDictionary<string, NodeBreaker> _askers = new(StringComparer.Ordinal);

    // Of the breaks since the last answer.
    private string? _first;
    private bool _several;

    public bool MayAsk(string asker) => _everybody.MayAsk && (!_askers.TryGetValue(asker, out var own) || own.MayAsk);

    public KindState State(QuestionKind kind) => new(kind, _everybody.MayAsk, _everybody.Pause, _everybody.Trouble ?? KeptAway());

    /// <returns>What is to be handed back when the question has ended; null where the node is left alone, by this asker or by everybody.</returns>
    public KindTurn? TryEnter(string asker)
    {
        if (!MayAsk(asker))
        {
            return null;
        }

        _everybody.TryEnter(out var trial);
        var ownTrial = false;
        if (_askers.TryGetValue(asker, out var own))
        {
            own.TryEnter(out ownTrial);
        }

        return new KindTurn(asker, trial, ownTrial);
    }

    /// <summary>The node is well, and so are this asker's questions.</summary>
    public void Answered(KindTurn turn)
    {
        _everybody.Answered();
        _askers.Remove(turn.Asker);
        (_first, _several) = (null, false);
    }

    public void Broke(KindTurn turn)
    {
        OwnOf(turn.Asker).Broke(turn.OwnTrial);
        if (turn.OwnTrial)
        {
            // Of whoever is under suspicion, one more break says nothing of the node.
            _everybody.Left(turn.Trial);
            return;
        }

        _several |= _first is not null && _first != turn.Asker;
        _first ??= turn.Asker;
        _everybody.Broke(turn.Trial, conclusive: _several);
    }

    /// <summary>The question ended without a word on the node.</summary>
    public void Left(KindTurn turn)
    {
        _everybody.Left(turn.Trial);
        if (_askers.TryGetValue(turn.Asker, out var own))
        {
            own.Left(turn.OwnTrial);
        }
    }

    private NodeBreaker OwnOf(string asker)
    {
        if (!_askers.TryGetValue(asker, out var own))
        {
            if (_askers.Count == MostAskers)
            {
                _askers.RemoveAt(0);
            }

            _askers.Add(asker, own = new NodeBreaker(clock));
        }

        return own;
    }

    private string? KeptAway() => _askers.Values.Count(own => own.Pause > TimeSpan.Zero) switch
    {
        0 => null,
        1 => "broke at the last questions of one asker, who is kept away for a while",
        var several => $"broke at the last questions of {several} askers, who are kept away for a while",
    };
}
