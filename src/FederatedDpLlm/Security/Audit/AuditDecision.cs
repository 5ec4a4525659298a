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
}
