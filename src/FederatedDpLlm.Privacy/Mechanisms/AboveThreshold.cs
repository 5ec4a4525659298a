using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Mechanisms;

/// <summary>The sparse-vector technique: says of any number of whole-number queries whether they are above a threshold, and is paid for once, until it has said yes so many times.</summary>
/// <remarks>
/// Lyu, Su, Li, arXiv:1603.01699, Algorithm 7 and section 4.2 (the split 1 : (2 c)^(2/3), or 1 : c^(2/3) for monotone queries): the threshold's noise is drawn once, each test's anew, and neither is released. Discrete Laplace noise keeps the
/// proof, which only shifts whole numbers. Five published variants that redraw too little or count too little are broken (the paper's table 1); the audit tests hold this one apart from them.
/// </remarks>
public sealed class AboveThreshold : IMechanism
{
    private readonly DiscreteLaplaceSampler _thresholdNoise;
    private readonly DiscreteLaplaceSampler _testNoise;
    private readonly int _mostPositives;

    private AboveThreshold(Epsilon thresholdEpsilon, Epsilon testsEpsilon, L1Sensitivity sensitivity, int mostPositives, bool monotone)
    {
        _mostPositives = mostPositives;
        _thresholdNoise = DiscreteLaplaceSampler.AtLeast(sensitivity.Value / thresholdEpsilon.Value * (1 + 1e-15));
        _testNoise = DiscreteLaplaceSampler.AtLeast((monotone ? 1.0 : 2.0) * mostPositives * sensitivity.Value / testsEpsilon.Value * (1 + 1e-15));
        Event = new AboveThresholdEvent(thresholdEpsilon, testsEpsilon, mostPositives, sensitivity.Relation);
    }

    /// <summary>What one whole <see cref="Start"/> releases, however many tests it answers.</summary>
    public PrivacyEvent Event { get; }

    /// <summary>At most the epsilon that was asked for.</summary>
    public Epsilon Epsilon => new(PureDp.EpsilonOf(Event));

    /// <summary>The least noise, in the paper's best split, that keeps pure epsilon.</summary>
    /// <param name="epsilon">Above 0, for all tests together.</param>
    /// <param name="sensitivity">The most that one unit changes one query.</param>
    /// <param name="mostPositives">c: after so many answers of yes it is over. At least 1.</param>
    /// <param name="monotone">One unit moves all queries in the same direction (counts under add-or-remove): half the noise on the tests.</param>
    public static AboveThreshold ForEpsilon(Epsilon epsilon, L1Sensitivity sensitivity, int mostPositives, bool monotone = false)
    {
        Require.Positive(epsilon.Value, nameof(epsilon));
        Require.AtLeast(1, mostPositives);
        var ratio = Math.Cbrt(Math.Pow((monotone ? 1.0 : 2.0) * mostPositives, 2));
        var threshold = epsilon.Value / (1 + ratio);
        return new(new(threshold), new(Numerics.Rounded.AddDown(epsilon.Value, -threshold)), sensitivity, mostPositives, monotone);
    }

    /// <summary>Draws the threshold's noise: one release, whose cost is <see cref="Event"/>.</summary>
    /// <param name="threshold">Public.</param>
    /// <param name="random">The source of all noise of the run.</param>
    public Run Start(long threshold, ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return new(this, (Int128)threshold + _thresholdNoise.Sample(random), random);
    }

    /// <summary>The tests against one noisy threshold; not for concurrent use.</summary>
    public sealed class Run
    {
        private readonly AboveThreshold _owner;
        private readonly Int128 _noisyThreshold;
        private readonly ISecureRandom _random;

        internal Run(AboveThreshold owner, Int128 noisyThreshold, ISecureRandom random) => (_owner, _noisyThreshold, _random) = (owner, noisyThreshold, random);

        /// <summary>How many tests said yes.</summary>
        public int Positives { get; private set; }

        /// <summary>Whether the run is over.</summary>
        public bool IsOver => Positives == _owner._mostPositives;

        /// <summary>Whether a query with noise is at or above the noisy threshold.</summary>
        /// <exception cref="InvalidOperationException">The run is over: another answer is not paid for.</exception>
        public bool IsAbove(long value)
        {
            if (IsOver)
            {
                throw new InvalidOperationException($"This run has said yes {Positives} times, all that was paid for: start another one.");
            }

            var isAbove = (Int128)value + _owner._testNoise.Sample(_random) >= _noisyThreshold;
            Positives += isAbove ? 1 : 0;
            return isAbove;
        }
    }
}
