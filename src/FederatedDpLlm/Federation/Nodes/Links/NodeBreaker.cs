namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>
/// Takes a node out that answers its probes and breaks at its questions: each of them is charged and comes to nothing. After a pause one question is let through; an answer
/// brings the node back, one more break doubles the pause. Not safe for concurrent use: its link guards it.
/// </summary>
/// <remarks>The circuit breaker of M. Nygard, Release It! (2007), with pauses that grow: every trial costs budget, too.</remarks>
internal sealed class NodeBreaker(TimeProvider clock)
{
    /// <summary>Breaks in a row that take a node out: one may be a restart.</summary>
    public const int MostBreaks = 3;

    /// <summary>The first pause; each after it is twice as long.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private int _breaks;
    private long _since;
    private bool _onTrial;

    /// <summary>How long the node is left alone; zero where it is asked as any other.</summary>
    public TimeSpan Pause { get; private set; }

    /// <summary>Whether the next question may go to the node.</summary>
    public bool MayAsk => Pause == TimeSpan.Zero || (!_onTrial && clock.GetElapsedTime(_since) >= Pause);

    /// <summary>Why it is not asked, or asked only once; null where it is asked as any other.</summary>
    public string? Trouble => Pause == TimeSpan.Zero
        ? null
        : FormattableString.Invariant($"broke at its last {_breaks} questions; one is let through after {Pause.TotalSeconds:0} s");

    /// <summary>Counts a question in.</summary>
    /// <param name="trial">Whether it is the one that tells whether the node is well again.</param>
    /// <returns>False where the node is left alone.</returns>
    public bool TryEnter(out bool trial)
    {
        var enters = MayAsk;
        trial = enters && Pause > TimeSpan.Zero;
        _onTrial |= trial;
        return enters;
    }

    /// <summary>A question was answered: the node is well, whenever it was asked.</summary>
    public void Answered() => (_breaks, Pause, _onTrial) = (0, TimeSpan.Zero, false);

    /// <summary>A question broke. What was under way when the node was taken out says nothing new.</summary>
    /// <param name="trial">As <see cref="TryEnter"/> said.</param>
    /// <param name="conclusive">Whether the breaks so far tell of the node; false where they may all have one cause elsewhere.</param>
    public void Broke(bool trial, bool conclusive = true)
    {
        if (Pause > TimeSpan.Zero && !trial)
        {
            return;
        }

        _breaks++;
        if (_breaks >= MostBreaks && conclusive)
        {
            Pause = Pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(2 * Pause.Ticks, LongestPause.Ticks));
            (_since, _onTrial) = (clock.GetTimestamp(), false);
        }
    }

    /// <summary>A question ended without a word on the node: it was refused, or its asker left. The next one may be the trial.</summary>
    public void Left(bool trial) => _onTrial &= !trial;
}
