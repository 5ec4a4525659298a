using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Clipping;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Auditing;

/// <summary>One mistake that implementations make: a release with it and without it, on an input (false) and its neighbour (true), and what both claim.</summary>
internal sealed record Control(string Fault, Epsilon Epsilon, Delta Delta, Func<bool, ISecureRandom, double> Right, Func<bool, ISecureRandom, double> Broken)
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private static readonly Epsilon One = new(1);
    private static readonly Epsilon Half = new(0.5);

    public static IReadOnlyList<Control> All { get; } =
    [
        NoiseHalved(), SensitivityOfAReplacedUnit(), CountIgnored(), ClipMissing(), FixedSeed(), WeightAboveTheLargest(), VoterCountedTwice(), NoiseShared(), SamplingClaimedButNotDone(),
        TestNoiseTooSmall(), ResponseTooTruthful(), NoiseScaledByTheData(),
    ];

    public override string ToString() => Fault;

    private static Control NoiseHalved()
    {
        var (right, halved) = (LaplaceMechanism.ForEpsilon(One, new(1, Add)), LaplaceMechanism.ForEpsilon(new(2), new(1, Add)));
        return new("noise halved", One, default, (neighbour, random) => right.Release(neighbour ? 1 : 0, random), (neighbour, random) => halved.Release(neighbour ? 1 : 0, random));
    }

    // A replaced patient leaves one bin and joins another: 2, not 1.
    private static Control SensitivityOfAReplacedUnit()
    {
        var (right, wrong) = (LaplaceMechanism.ForEpsilon(One, L1Sensitivity.OfHistogram(1, Replace)), LaplaceMechanism.ForEpsilon(One, new(1, Replace)));
        return new("sensitivity wrong", One, default, (neighbour, random) => Bins(right, neighbour, random), (neighbour, random) => Bins(wrong, neighbour, random));

        static double Bins(LaplaceMechanism mechanism, bool neighbour, ISecureRandom random)
        {
            Span<long> noisy = stackalloc long[2];
            mechanism.Release(neighbour ? [11, 9] : [10, 10], noisy, random);
            return Math.Clamp(noisy[0] - 10, -8, 8) - Math.Clamp(noisy[1] - 10, -8, 8);
        }
    }

    private static Control CountIgnored()
    {
        var (shared, whole) = (LaplaceMechanism.ForEpsilon(Half, new(1, Add)), LaplaceMechanism.ForEpsilon(One, new(1, Add)));
        return new("count ignored", One, default, (neighbour, random) => Twice(shared, neighbour, random), (neighbour, random) => Twice(whole, neighbour, random));

        static double Twice(LaplaceMechanism mechanism, bool neighbour, ISecureRandom random) =>
            Math.Clamp(mechanism.Release(neighbour ? 1 : 0, random), 0, 1) + Math.Clamp(mechanism.Release(neighbour ? 1 : 0, random), 0, 1);
    }

    private static Control ClipMissing()
    {
        var gaussian = GaussianMechanism.ForEpsilon(One, new(1e-3), L2Sensitivity.OfClippedSum(1, Add), 1);
        return new("clip missing", One, new(1e-3), (neighbour, random) => Sum(neighbour, clip: true, random), (neighbour, random) => Sum(neighbour, clip: false, random));

        double Sum(bool neighbour, bool clip, ISecureRandom random)
        {
            Span<double> outlier = [neighbour ? 25 : 0];
            if (clip)
            {
                VectorClipping.ToL2(outlier, 1);
            }

            gaussian.Release(outlier, outlier, random);
            return outlier[0];
        }
    }

    private static Control FixedSeed()
    {
        var right = LaplaceMechanism.ForEpsilon(One, new(1, Add));
        return new("fixed seed", One, default, (neighbour, random) => right.Release(neighbour ? 1 : 0, random), (neighbour, _) => right.Release(neighbour ? 1 : 0, new SeededRandom(1)));
    }

    private static Control WeightAboveTheLargest()
    {
        var choice = ExponentialMechanism.ForEpsilon(One, Replace, largestWeight: 5);
        return new("weight above the largest", One, default, (neighbour, random) => choice.Choose(neighbour ? [10, 15] : [15, 10], random), (neighbour, random) => choice.Choose(neighbour ? [10, 30] : [30, 10], random));
    }

    private static Control VoterCountedTwice()
    {
        var choice = ExponentialMechanism.ForEpsilon(One, Replace);
        return new("voter counted twice", One, default, (neighbour, random) => choice.Choose(neighbour ? [9, 14] : [8, 15], random), (neighbour, random) => choice.Choose(neighbour ? [10, 13] : [8, 15], random));
    }

    // Two queries about one patient: the difference of the answers shows the difference of the data, if the noise is the same.
    private static Control NoiseShared()
    {
        var half = LaplaceMechanism.ForEpsilon(Half, new(1, Add));
        return new(
            "noise shared by two queries", One, default,
            (neighbour, random) => half.Release(neighbour ? 1 : 0, random) - half.Release(neighbour ? -1 : 0, random),
            (neighbour, random) => half.Release(0, random) is var noise ? noise + (neighbour ? 1 : 0) - (noise + (neighbour ? -1 : 0)) : 0);
    }

    // A batch that takes everyone, accounted as one that takes each with probability 1/10.
    private static Control SamplingClaimedButNotDone()
    {
        var noise = GaussianMechanism.OfNoiseMultiplier(0.7, new(1, Add), 1);
        var coin = RandomizedResponse.ForEpsilon(default, 10, Replace);
        var delta = new Delta(0.01);
        var claim = new Epsilon(PrivacyLoss.EpsilonAt(new PoissonSampledEvent(0.1, noise.Event), delta).Upper);
        return new("sampling claimed but not done", claim, delta, (neighbour, random) => Release(neighbour && coin.Respond(0, random) == 0, random), (neighbour, random) => Release(neighbour, random));

        double Release(bool isIn, ISecureRandom random)
        {
            Span<double> sum = [isIn ? 1 : 0];
            noise.Release(sum, sum, random);
            return sum[0];
        }
    }

    // A published variant: the noise of the tests does not grow with the number of positives.
    private static Control TestNoiseTooSmall()
    {
        const int Queries = 12;
        var (right, wrong) = (AboveThreshold.ForEpsilon(One, new(1, Add), Queries), AboveThreshold.ForEpsilon(new(Queries), new(1, Add), Queries));
        return new("test noise too small", One, default, (neighbour, random) => Tests(right, neighbour, random), (neighbour, random) => Tests(wrong, neighbour, random));

        static double Tests(AboveThreshold test, bool neighbour, ISecureRandom random)
        {
            var run = test.Start(0, random);
            var score = 0;
            for (var i = 0; i < Queries; i++)
            {
                // One unit raises the first half of the queries and lowers the second.
                var above = run.IsAbove((i < Queries / 2) == neighbour ? 1 : 0);
                score += above == i < Queries / 2 ? 1 : 0;
            }

            return score;
        }
    }

    private static Control ResponseTooTruthful()
    {
        var (right, wrong) = (RandomizedResponse.ForEpsilon(One, 4, Replace), RandomizedResponse.ForEpsilon(new(1.6), 4, Replace));
        return new("response too truthful", One, default, (neighbour, random) => right.Respond(neighbour ? 1 : 0, random), (neighbour, random) => wrong.Respond(neighbour ? 1 : 0, random));
    }

    // Noise in proportion to what is released: local sensitivity taken for the global one.
    private static Control NoiseScaledByTheData()
    {
        var right = LaplaceMechanism.ForEpsilon(One, new(4, Add));
        LaplaceMechanism[] scaled = [LaplaceMechanism.ForEpsilon(One, new(1, Add)), right];
        return new("noise scaled by the data", One, default, (neighbour, random) => right.Release(neighbour ? 4 : 0, random), (neighbour, random) => scaled[neighbour ? 1 : 0].Release(neighbour ? 4 : 0, random));
    }
}
