using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// One token sampled from softmax((public + mean of clip(voter - public, -C, C)) / tau) over s voters of which one unit moves one: the
/// exponential mechanism with score sensitivity C/s.
/// </summary>
/// <remarks>InvisibleInk (Vinod, Pillutla, Thakurta, arXiv:2507.02974, "DClip"); without the difference: Amin et al., arXiv:2407.12108.</remarks>
public sealed record ClippedLogitDecodingEvent : PrivacyEvent
{
    /// <summary>
    /// What sampling from approximated weights adds to the bounded range: 4 times the relative error of a weight. <c>ClippedLogitDecoding.Sample</c> keeps its
    /// weights within 2^-42 (shown there), and the rest of this allowance covers the rounding of 1/(s tau).
    /// </summary>
    public const double SamplingAllowance = 1.0 / (1L << 39);

    /// <param name="clipNorm">C, in nats of logit, at least 0.</param>
    /// <param name="voters">s, at least 1.</param>
    /// <param name="temperature">tau, above 0.</param>
    /// <param name="relation">Under <see cref="NeighbouringRelation.ReplaceOne"/> a voter turns from anything into anything; otherwise into "abstains".</param>
    public ClippedLogitDecodingEvent(double clipNorm, int voters, double temperature, NeighbouringRelation relation)
        : base(relation)
    {
        ClipNorm = Require.NotNegative(clipNorm);
        Voters = Require.AtLeast(1, voters);
        Temperature = Require.Positive(temperature);
    }

    /// <summary>C, in nats of logit.</summary>
    public double ClipNorm { get; }

    /// <summary>s: seats, whether or not they spoke.</summary>
    public int Voters { get; }

    /// <summary>tau.</summary>
    public double Temperature { get; }

    /// <summary>
    /// eta, rounded up. A replaced voter moves each clipped difference by up to 2C either way (a range of 4C), one that abstains by up to C (2C).
    /// </summary>
    public double BoundedRange
    {
        get
        {
            if (ClipNorm == 0)
            {
                return 0;
            }

            var range = (Relation == NeighbouringRelation.ReplaceOne ? 4 : 2) * ClipNorm;
            var exact = Rounded.DivideUp(Rounded.DivideUp(range, Voters), Temperature);
            return Rounded.AddUp(Rounded.MultiplyUp(exact, 1 + (4 * Elementary.RelativeError)), SamplingAllowance);
        }
    }
}
