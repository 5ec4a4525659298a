namespace FederatedDpLlm.Inference.Engines;

public enum EngineFault
{
    /// <summary>No connection, or it broke.</summary>
    Unreachable,

    /// <summary>No answer within the time allowed.</summary>
    Timeout,

    /// <summary>The endpoint answered with an error status.</summary>
    Refused,

    /// <summary>The endpoint's answer is too long, no JSON, or not of the documented form.</summary>
    Malformed,

    /// <summary>As many requests wait as may; later there may be room.</summary>
    Busy,
}
