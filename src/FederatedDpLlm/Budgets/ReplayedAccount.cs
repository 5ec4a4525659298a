namespace FederatedDpLlm.Budgets;

/// <summary>An account as the replay knows it: wide integers, so that a forged movement cannot overflow the check.</summary>
internal sealed class ReplayedAccount(long budget, long window)
{
    public long Budget { get; set; } = budget;

    public long Window { get; private set; } = window;

    public Int128 Spent { get; private set; }

    public Int128 Reserved { get; private set; }

    /// <summary>Applies one movement in the window that it names.</summary>
    /// <returns>What the movement breaks, or null.</returns>
    public string? Apply(long window, long held, long spent)
    {
        if (held > 0 && window < Window)
        {
            return "holds in a window that had ended";
        }

        if (held > 0 && window > Window)
        {
            MoveTo(window);
        }

        if (window == Window)
        {
            Reserved += held;
            Spent += spent;
        }

        return held > 0 && Spent + Reserved > Budget ? $"is overspent: {Spent} spent and {Reserved} held of {Budget}" : null;
    }

    public void MoveTo(long window)
    {
        if (window != Window)
        {
            (Window, Spent, Reserved) = (window, 0, 0);
        }
    }
}
