namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>
/// A rule that runs over secure sums: every hospital turns its update into a bounded contribution around a public centre, the contributions are summed in
/// secret, and the sum moves the centre.
/// </summary>
public interface ISumRule
{
    /// <summary>The L2 bound of a contribution: the clip norm of the round's quantisation.</summary>
    double ContributionNorm { get; }

    /// <summary>Values in a contribution to an update of a length.</summary>
    int ContributionLength(int length);

    /// <summary>The hospital's side.</summary>
    float[] Contribute(ReadOnlySpan<float> update, ReadOnlySpan<float> centre);

    /// <summary>The coordinator's side: the next centre.</summary>
    /// <param name="centre">The one that the hospitals were sent.</param>
    /// <param name="sum">The sum of the contributions.</param>
    /// <param name="survivors">How many it is the sum of.</param>
    float[] Move(ReadOnlySpan<float> centre, ReadOnlySpan<float> sum, int survivors);
}
