using System.Numerics;
using System.Runtime.CompilerServices;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Clipping;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Benchmarks.Privacy;

/// <summary>Exact noise on one core, beside the published algorithms as they are written down: coins from whole numbers of any length.</summary>
internal sealed class SamplersClaim : IClaim
{
    private const int Samples = 400_000;
    private const int TextbookSamples = 4_000;
    private const int Choices = 200_000;
    private const int Coordinates = 1 << 22;

    public string Name => "samplers";

    public string Description => "Exact discrete Gaussian and Laplace samples, private choices, noisy vectors and clipped gradients per second and core.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        using var random = new SecureRandom();
        var samples = new long[Samples];
        foreach (var sigma in new[] { 1, 100, 1 << 10, 1 << 20 })
        {
            var exact = DiscreteGaussianSampler.AtLeast(sigma);
            yield return Beside(
                $"discrete Gaussian, sigma {sigma}", "samples/s", () => exact.Fill(samples, random), Samples,
                "Canonne, Kamath, Steinke as written", () => Textbook.FillGaussian(samples.AsSpan(0, TextbookSamples), sigma, random), TextbookSamples, cancellationToken);
        }

        var laplace = new DiscreteLaplaceSampler(100, 1);
        yield return Beside(
            "discrete Laplace, scale 100", "samples/s", () => laplace.Fill(samples, random), Samples,
            "Canonne, Kamath, Steinke as written", () => Textbook.FillLaplace(samples.AsSpan(0, TextbookSamples), 100, random), TextbookSamples, cancellationToken);

        long[] votes = [40, 35, 12, 8, 5];
        var (choice, flip) = (ExponentialMechanism.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne), PermuteAndFlip.ForEpsilon(new(1), NeighbouringRelation.ReplaceOne));
        yield return Alone("exponential mechanism, 5 candidates, 100 votes", "choices/s", () => Repeat(() => choice.Choose(votes, random)), Choices, cancellationToken);
        yield return Alone("permute-and-flip, 5 candidates, 100 votes", "choices/s", () => Repeat(() => flip.Choose(votes, random)), Choices, cancellationToken);

        var update = new float[Coordinates];
        var vector = VectorGaussianMechanism.OfNoiseMultiplier(1, L2Sensitivity.OfClippedSum(1, NeighbouringRelation.AddOrRemoveOne), Coordinates);
        var exactVector = GaussianMechanism.OfNoiseMultiplier(1, L2Sensitivity.OfClippedSum(1, NeighbouringRelation.AddOrRemoveOne), Coordinates / 16);
        var doubles = new double[Coordinates / 16];
        yield return Beside(
            "noise on a model update of 4 M coordinates", "coordinates/s", () => vector.Release(update, random), Coordinates, "the exact mechanism", () => exactVector.Release(doubles, doubles, random), doubles.Length, cancellationToken);

        // A norm that shrinks, so that each pass has something to clip.
        double norm = 1000, peerNorm = 1000;
        var plain = update.ToArray();
        yield return Beside(
            "L2 clip of a gradient of 4 M floats", "coordinates/s", () => VectorClipping.ToL2(update, norm *= 0.99), Coordinates, "one coordinate at a time", () => ClipOneByOne(plain, peerNorm *= 0.99), Coordinates, cancellationToken);
    }

    private static Measurement Alone(string setting, string unit, Action ours, int count, CancellationToken cancellationToken) =>
        new(setting, DiscreteGaussianClaim.Interleaved(ours, count, () => { }, 1, cancellationToken).First, unit);

    private static Measurement Beside(string setting, string unit, Action ours, int count, string peer, Action theirs, int peerCount, CancellationToken cancellationToken)
    {
        var (figure, peerFigure) = DiscreteGaussianClaim.Interleaved(ours, count, theirs, peerCount, cancellationToken);
        return new(setting, figure, unit, peer, peerFigure);
    }

    private static void Repeat(Action action)
    {
        for (var i = 0; i < Choices; i++)
        {
            action();
        }
    }

    private static void ClipOneByOne(float[] vector, double clipNorm)
    {
        var sum = 0.0;
        foreach (var coordinate in vector)
        {
            sum += (double)coordinate * coordinate;
        }

        var factor = (float)Math.Min(1, clipNorm / Math.Sqrt(sum));
        for (var i = 0; i < vector.Length; i++)
        {
            vector[i] *= factor;
        }
    }

    /// <summary>arXiv:2004.00010, Algorithms 1 to 3, line by line.</summary>
    private static class Textbook
    {
        public static void FillGaussian(Span<long> samples, int sigma, ISecureRandom random)
        {
            var variance = (BigInteger)sigma * sigma;
            var t = (BigInteger)sigma + 1;
            foreach (ref var sample in samples)
            {
                do
                {
                    sample = Laplace(t, random);
                }
                while (!ExpMinus(BigInteger.Pow((BigInteger.Abs(sample) * t) - variance, 2), 2 * variance * t * t, random));
            }
        }

        public static void FillLaplace(Span<long> samples, int scale, ISecureRandom random)
        {
            foreach (ref var sample in samples)
            {
                sample = Laplace(scale, random);
            }
        }

        private static long Laplace(BigInteger t, ISecureRandom random)
        {
            while (true)
            {
                var u = Below(t, random);
                if (!ExpMinus(u, t, random))
                {
                    continue;
                }

                BigInteger v = 0;
                while (ExpMinus(1, 1, random))
                {
                    v++;
                }

                var magnitude = u + (t * v);
                var negative = Below(2, random) == 1;
                if (!negative || magnitude != 0)
                {
                    return (long)(negative ? -magnitude : magnitude);
                }
            }
        }

        private static bool ExpMinus(BigInteger numerator, BigInteger denominator, ISecureRandom random)
        {
            for (; numerator > denominator; numerator -= denominator)
            {
                if (!ExpMinus(1, 1, random))
                {
                    return false;
                }
            }

            var k = 1;
            while (Below(denominator * k, random) < numerator)
            {
                k++;
            }

            return k % 2 == 1;
        }

        private static BigInteger Below(BigInteger bound, ISecureRandom random)
        {
            Span<byte> bytes = stackalloc byte[bound.GetByteCount(isUnsigned: true)];
            while (true)
            {
                random.Fill(bytes);
                var drawn = new BigInteger(bytes, isUnsigned: true) >> ((bytes.Length * 8) - (int)bound.GetBitLength());
                if (drawn < bound)
                {
                    return drawn;
                }
            }
        }
    }
}
