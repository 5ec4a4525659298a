namespace FederatedDpLlm.Security.Authentication;

/// <summary>Why a call was not believed: for the audit log, never for the caller.</summary>
public enum TokenFault
{
    /// <summary>No bearer token was shown.</summary>
    Absent,

    /// <summary>Not yet or no longer valid.</summary>
    Expired,

    /// <summary>Forged, unsigned, malformed, of another issuer or audience, or without a name that it needs.</summary>
    Invalid,

    /// <summary>Valid, but its role does not read accounts and decisions.</summary>
    MayNotObserve,
}
