namespace FederatedDpLlm.Security.Audit;

public enum AuditDecision
{
    /// <summary>Admitted: its cost is held.</summary>
    Admitted,

    /// <summary>Refused: nothing was held, nothing ran.</summary>
    Refused,

    /// <summary>Answered: what ran is charged.</summary>
    Answered,

    /// <summary>Failed: what may have run is charged, what surely did not is returned.</summary>
    Failed,

    /// <summary>Calls that showed no valid token, counted: the details name the fault and how many. Nothing of what they sent.</summary>
    Unauthenticated,

    /// <summary>An account was opened; the details name its policy.</summary>
    AccountOpened,

    /// <summary>An account's policy was changed; what it spent is kept. The details name the new policy.</summary>
    PolicyChanged,

    /// <summary>A request was found open after a crash (or after a write of unknown fate) and counts as spent: unknown is spent.</summary>
    Recovered,
}
