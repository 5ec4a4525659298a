namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// A release computed on a random subset: each unit takes part with probability <see cref="SamplingRate"/>, independently of the others and afresh each time. Shuffled or
/// fixed-size batches are not this event.
/// </summary>
public sealed record PoissonSampledEvent : PrivacyEvent
{
    /// <param name="samplingRate">In [0, 1].</param>
    /// <param name="part">What is released of the subset; one release, neither repeated nor composed.</param>
    /// <exception cref="ArgumentException"><paramref name="part"/> holds several releases: the amplification of each must be counted apart.</exception>
    public PoissonSampledEvent(double samplingRate, PrivacyEvent part)
        : base((part ?? throw new ArgumentNullException(nameof(part))).Relation)
    {
        if (part is RepeatedEvent or ComposedEvent or PoissonSampledEvent or SampledWithoutReplacementEvent)
        {
            throw new ArgumentException("A sampled event holds one release; repeat or compose sampled events instead.", nameof(part));
        }

        SamplingRate = Require.Probability(samplingRate);
        Part = part;
    }

    /// <summary>The chance of one unit to take part, in [0, 1].</summary>
    public double SamplingRate { get; }

    /// <summary>What is released of the subset.</summary>
    public PrivacyEvent Part { get; }
}
