namespace FederatedDpLlm.Inference.Engines;

/// <summary>Where an engine's scores of options come from: better ones first.</summary>
public enum ScoreSource
{
    /// <summary>The likelihood of each option's own tokens.</summary>
    Likelihoods,

    /// <summary>The probability of each option's letter as the answer's first token.</summary>
    LetterLogProbabilities,

    /// <summary>The letter that the engine answered with, and nothing about the others: the endpoint offers no log-probabilities.</summary>
    AnsweredLetter,
}
