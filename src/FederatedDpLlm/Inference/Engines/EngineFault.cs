namespace FederatedDpLlm.Inference.Engines;

public enum EngineFault
{
    /// <summary>No connection, or it broke.</summary>
    Unreachable,

    /// <summary>No answer within the time allowed.</summary>
    Timeout,

    /// <summary>The endpoint answered with an error.</summary>
    Refused,

    /// <summary>The endpoint's answer is no JSON, or not of the documented form.</summary>
    Malformed,

    /// <summary>As many requests wait as may; later there may be room.</summary>
    Busy,

    /// <summary>The endpoint's answer, or one line of it, is longer than anything asked for.</summary>
    Oversized,

    /// <summary>The endpoint does not serve the model.</summary>
    ModelMissing,

    /// <summary>The endpoint names tokens that the model's vocabulary does not have.</summary>
    WrongVocabulary,
}
