namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// A private release repeated a random number of times, of which only the best by a score that is itself part of the release is shown (private hyper-parameter tuning, best of n).
/// </summary>
/// <remarks>
/// Papernot, Steinke, arXiv:2110.03620: the number follows a truncated negative binomial distribution with shape eta (1: geometric; 0: logarithmic) and the given mean; for pure
/// epsilon each, the selected one is (2 + eta) epsilon (their corollary on pure privacy; Liu, Talwar, arXiv:1811.07971 for the geometric case).
/// </remarks>
public sealed record RepeatAndSelectEvent : PrivacyEvent
{
    /// <param name="part">One repetition.</param>
    /// <param name="meanRepetitions">At least 1.</param>
    /// <param name="shape">eta, above -1; 0 is the logarithmic distribution.</param>
    public RepeatAndSelectEvent(PrivacyEvent part, double meanRepetitions, double shape)
        : base((part ?? throw new ArgumentNullException(nameof(part))).Relation)
    {
        Part = part;
        if (!(meanRepetitions >= 1 && double.IsFinite(meanRepetitions)))
        {
            throw new ArgumentOutOfRangeException(nameof(meanRepetitions), meanRepetitions, "The mean is a finite number of at least 1.");
        }

        if (!(shape > -1 && double.IsFinite(shape)))
        {
            throw new ArgumentOutOfRangeException(nameof(shape), shape, "The shape is a finite number above -1.");
        }

        MeanRepetitions = meanRepetitions;
        Shape = shape;
    }

    /// <summary>One repetition.</summary>
    public PrivacyEvent Part { get; }

    /// <summary>The expected number of repetitions.</summary>
    public double MeanRepetitions { get; }

    /// <summary>eta of the truncated negative binomial distribution.</summary>
    public double Shape { get; }
}
