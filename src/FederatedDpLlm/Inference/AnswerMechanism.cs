namespace FederatedDpLlm.Inference;

/// <summary>How an answer is made from a hospital's records.</summary>
public enum AnswerMechanism
{
    /// <summary>Voters choose one of the asker's options; the exponential mechanism over the counts releases one of them.</summary>
    Choice,

    /// <summary>Token by token, from the public logits and the voters' clipped differences to them.</summary>
    PrivateDecoding,

    /// <summary>The base model alone: no record is read, nothing is charged.</summary>
    Public,
}
