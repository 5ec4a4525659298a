namespace FederatedDpLlm.Security.Audit;

/// <summary>What a check of the whole chain found.</summary>
/// <param name="Entries">How many entries were read.</param>
/// <param name="FirstBad">The index of the first entry that is edited, moved, missing or added; null where the chain holds.</param>
/// <param name="Problem">What is wrong with it, for a person; null where the chain holds.</param>
/// <param name="Head">The hash of the last good entry, in hexadecimal. Kept elsewhere, it proves later that nothing before it was rewritten.</param>
public sealed record AuditVerification(long Entries, long? FirstBad, string? Problem, string Head)
{
    public bool Ok => FirstBad is null;
}
