using System.Security.Cryptography;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Quantization;

/// <summary>
/// How real updates become integers that may be summed in secret: the step, the bounds, and each hospital's share of the noise.
/// References: Kairouz, Liu, Steinke, "The distributed discrete Gaussian mechanism for federated learning with secure aggregation", arXiv:2102.06387
/// (rounding: equation 1; cost: Theorem 1); Canonne, Kamath, Steinke, arXiv:2004.00010 (tails of the discrete Gaussian: sub-Gaussian with parameter sigma).
/// Noise is calibrated to the honest survivors: minimum survivors minus corrupt ones. The step is the finest power of two for which a value and its noise
/// overflow the width nowhere, at no client, except with probability 2^-40 in all.
/// </summary>
public sealed class QuantizationPlan
{
    /// <summary>The log2 of the largest probability that any value of any client overflows.</summary>
    public const int OverflowBits = -40;

    // exp(-10): a rounding is drawn again once in 22,000 updates at most, and the bound stays within a few steps of the least possible.
    private static readonly double RetryProbability = Math.Exp(-10);
    private const int FinestStep = 60;

    private QuantizationPlan(QuantizationTarget target, int stepExponent, double sigma, double bound, int largestValue)
    {
        (Target, StepExponent, Sigma, Bound, LargestValue) = (target, stepExponent, sigma, bound, largestValue);
        OverflowProbability = OverflowAt(target, sigma, largestValue);
        FailureProbability = OverflowProbability + ((double)target.Dimension * target.Clients * BatchGaussianSampler.AtLeast(sigma).Distance);
        Cost = EventAt(target, sigma, bound);
        Hash = SHA256.HashData(Encode());
    }

    /// <summary>What the plan keeps.</summary>
    public QuantizationTarget Target { get; }

    /// <summary>log2 of a step, in the update's unit: 1.0 is 2^-StepExponent steps.</summary>
    public int StepExponent { get; }

    /// <summary>sigma of each hospital's noise, in steps.</summary>
    public double Sigma { get; }

    /// <summary>The largest L2 norm of a rounded update, in steps, before noise; kept exactly, in integers.</summary>
    public double Bound { get; }

    /// <summary>The largest magnitude of one rounded value, in steps, before noise.</summary>
    public int LargestValue { get; }

    /// <summary>What the sum releases, for the accountant; it holds up to <see cref="FailureProbability"/>.</summary>
    public PrivacyEvent Cost { get; }

    /// <summary>SHA-256 of the plan: the privacy plan hash of the round's parameters (<see cref="RoundFor"/>), so that every hospital signs the same noise.</summary>
    public ReadOnlyMemory<byte> Hash { get; }

    /// <summary>Hospitals whose noise is counted.</summary>
    public int HonestSurvivors => Target.MinimumSurvivors - Target.Corrupt;

    /// <summary>A bound on the probability that any value of any client overflows its width, at most 2^-40.</summary>
    public double OverflowProbability { get; }

    /// <summary>A bound on the statistical distance between what is released and what <see cref="Cost"/> describes: overflow, and the sampler's own distance.</summary>
    public double FailureProbability { get; }

    /// <summary>The delta to add to the accountant's at an epsilon: (1 + e^epsilon) times <see cref="FailureProbability"/>, as total variation enters both sides.</summary>
    public Delta AddedDelta(Epsilon epsilon) => new((1 + Math.Exp(epsilon.Value)) * FailureProbability);

    /// <summary>Finds the plan with the finest steps.</summary>
    /// <exception cref="ArgumentException">No step fits: more bits, fewer values or a rotation are needed.</exception>
    public static QuantizationPlan For(QuantizationTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        Check(target);
        var coarsest = (int)Math.Floor(Math.Log2(target.ClipNorm));
        for (var exponent = coarsest - FinestStep; exponent <= coarsest; exponent++)
        {
            if (At(target, exponent) is { } plan)
            {
                return plan;
            }
        }

        throw new ArgumentException(
            $"{target.ValueBits} bits hold no step for {target.Dimension} values with this noise: take more bits, more hospitals, a larger rho, or a rotation.", nameof(target));
    }

    /// <summary>
    /// The parameters of a round under this plan: length, width, minimum of survivors, how many may collude and the plan's hash are the plan's, so that the noise
    /// that the sum carries is the noise that <see cref="Cost"/> describes.
    /// </summary>
    /// <param name="task">As <see cref="RoundParameters"/> takes it.</param>
    /// <param name="round">The round's number in its task.</param>
    /// <param name="mode">How updates are hidden.</param>
    /// <param name="roster">As many keys as the plan has hospitals.</param>
    /// <param name="modelHash">SHA-256 of the model.</param>
    /// <param name="dropoutFraction">Hospitals that may drop out, where the graph is sparse.</param>
    /// <param name="acceptUnreviewedCryptography">See <see cref="RoundParameters"/>.</param>
    /// <exception cref="ArgumentException">The roster has another size, or no round can be run with so few survivors or so many that collude.</exception>
    public RoundParameters RoundFor(
        string task,
        long round,
        AggregationMode mode,
        IReadOnlyList<ReadOnlyMemory<byte>> roster,
        ReadOnlyMemory<byte> modelHash,
        double dropoutFraction = 0.1,
        bool acceptUnreviewedCryptography = false)
    {
        ArgumentNullException.ThrowIfNull(roster);
        ArgumentOutOfRangeException.ThrowIfNotEqual(roster.Count, Target.Clients, nameof(roster));
        return new RoundParameters(
            task, round, mode, Target.Dimension, Target.ValueBits, roster, modelHash, Hash, Target.MinimumSurvivors, (double)Target.Corrupt / Target.Clients, dropoutFraction, acceptUnreviewedCryptography);
    }

    /// <summary>
    /// Whether a proposed round is one that this plan was made for; null where it is, else <see cref="RefusalCode.PlanMismatch"/>. The hash alone says only that
    /// the proposer knows the plan: a coordinator that proposes fewer survivors, or more hospitals that collude, would sum up with too little noise.
    /// </summary>
    public Refusal? Check(RoundParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var agrees = parameters.PrivacyPlanHash.Span.SequenceEqual(Hash.Span)
            && parameters.VectorLength == Target.Dimension
            && parameters.ValueBits == Target.ValueBits
            && parameters.Clients == Target.Clients
            && parameters.MinimumSurvivors == Target.MinimumSurvivors
            && SharingParameters.CountOf(parameters.CorruptFraction, parameters.Clients) <= Target.Corrupt;
        return agrees ? null : new Refusal(RefusalCode.PlanMismatch);
    }

    /// <summary>Takes part in a proposed round, if it is one that this plan was made for: the way in for whoever uploads what a <see cref="UpdateQuantizer"/> gives.</summary>
    public Outcome<AggregationClient> Join(RoundParameters parameters, int self, HospitalIdentity identity, ISecureRandom random) => Check(parameters) is { } refusal
        ? Outcome<AggregationClient>.Refused(refusal)
        : Outcome<AggregationClient>.Accepted(new AggregationClient(parameters, self, identity, random));

    /// <summary>The sum in the update's unit; null where fewer hospitals than planned are in it, whose noise would be too little: nothing is published then.</summary>
    public float[]? Read(AggregateSum sum)
    {
        ArgumentNullException.ThrowIfNull(sum);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sum.Values.Length, Target.Dimension, nameof(sum));
        if (sum.Survivors.Count < Target.MinimumSurvivors)
        {
            return null;
        }

        var values = new float[Target.Dimension];
        var step = Math.ScaleB(1.0, StepExponent);
        var integers = sum.Values.Span;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)(integers[i] * step);
        }

        if (!Target.RotationSeed.IsEmpty)
        {
            new HadamardRotation(Target.RotationSeed.Span, Target.Dimension).Undo(values);
        }

        return values;
    }

    private static QuantizationPlan? At(QuantizationTarget target, int exponent)
    {
        // Coarse bounds first: the noise is found only where the values alone fit.
        var norm = Math.ScaleB(target.ClipNorm, -exponent);
        var room = (1 << (target.ValueBits - 1)) - 1;
        var largest = Math.Ceiling(norm * FlatteningOf(target)) + 1;
        if (largest >= room)
        {
            return null;
        }

        var bound = SumOfDiscreteGaussiansEvent.AfterStochasticRounding(norm, target.Dimension, RetryProbability);
        var sigma = NoiseCalibration.Smallest(noise => ZeroConcentrated.RhoOf(EventAt(target, noise, bound)) <= target.Rho.Value);
        return OverflowAt(target, sigma, (int)largest) <= Math.ScaleB(1, OverflowBits) ? new QuantizationPlan(target, exponent, sigma, bound, (int)largest) : null;
    }

    // A coordinate of a rotated vector is sub-Gaussian with variance norm^2 / block: beyond this many deviations none lies, up to 2^-20, and one that does is clamped.
    private static double FlatteningOf(QuantizationTarget target)
    {
        if (target.RotationSeed.IsEmpty)
        {
            return 1;
        }

        var deviations = Math.Sqrt(2 * Math.Log(2.0 * target.Dimension * (1 << 20)));
        return Math.Min(1, deviations / Math.Sqrt(HadamardRotation.BlockOf(target.Dimension)));
    }

    private static SumOfDiscreteGaussiansEvent EventAt(QuantizationTarget target, double sigma, double bound) => new(
        target.MinimumSurvivors - target.Corrupt, sigma, target.Relation == NeighbouringRelation.ReplaceOne ? 2 * bound : bound, target.Dimension, target.Relation);

    // P(|noise| >= t) <= 2 exp(-t^2 / (2 sigma^2)), over all values of all clients.
    private static double OverflowAt(QuantizationTarget target, double sigma, int largest)
    {
        // The sampler's sigma is at least what was asked for, within a relative 2^-39.
        double room = (1 << (target.ValueBits - 1)) - largest;
        return 2.0 * target.Dimension * target.Clients * Math.Exp(-room * room / (2 * sigma * sigma) * (1 - 1e-11)) * (1 + 1e-9);
    }

    private static void Check(QuantizationTarget target)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Dimension, 1, nameof(target));
        ArgumentOutOfRangeException.ThrowIfLessThan(target.ValueBits, 4, nameof(target));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(target.ValueBits, 21, nameof(target));
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Corrupt, 0, nameof(target));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(target.MinimumSurvivors, target.Clients, nameof(target));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(target.Corrupt, target.MinimumSurvivors, nameof(target));
        if (!(target.ClipNorm > 0 && double.IsNormal(target.ClipNorm) && double.IsNormal(target.ClipNorm * target.ClipNorm)))
        {
            throw new ArgumentOutOfRangeException(nameof(target), target.ClipNorm, "The clip norm is a finite number above 0.");
        }

        if (!(target.Rho.Value > 0) || !double.IsFinite(target.Rho.Value))
        {
            throw new ArgumentOutOfRangeException(nameof(target), target.Rho.Value, "rho is a finite number above 0.");
        }

        if (target.RotationSeed.Length is not (0 or HadamardRotation.SeedSizeBytes))
        {
            throw new ArgumentException($"A rotation's seed has {HadamardRotation.SeedSizeBytes} bytes.", nameof(target));
        }
    }

    private byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Int32(1);
        writer.Int32(Target.Dimension);
        writer.Double(Target.ClipNorm);
        writer.Double(Target.Rho.Value);
        writer.Int32((int)Target.Relation);
        writer.Int32(Target.Clients);
        writer.Int32(Target.MinimumSurvivors);
        writer.Int32(Target.Corrupt);
        writer.Int32(Target.ValueBits);
        writer.Block(Target.RotationSeed.Span);
        writer.Int32(StepExponent);
        writer.Double(Sigma);
        writer.Double(Bound);
        writer.Int32(LargestValue);
        return writer.ToArray();
    }
}
