namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>What a note may say of a case; each is drawn on its own, given the condition.</summary>
public enum CodingFeature
{
    /// <summary>What the patient comes with.</summary>
    Complaint,

    /// <summary>What the examination shows.</summary>
    Sign,

    /// <summary>What a test shows.</summary>
    Result,

    /// <summary>What is begun.</summary>
    Treatment,
}
