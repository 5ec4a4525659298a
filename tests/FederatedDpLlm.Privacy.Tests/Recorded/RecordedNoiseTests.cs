using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Recorded;

/// <summary>Parties that hold one key draw one noise, on every machine and with every release of this library: the first draws of every sampler and mechanism, as whole numbers.</summary>
public sealed class RecordedNoiseTests
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;

    [Fact]
    public void Discrete_Laplace_noise_of_one_key_is_what_it_was() => Draws("laplace", (random, draws) =>
    {
        foreach (var (numerator, denominator) in new[] { (1u, 1u), (7u, 3u), (1u, 4u), (50u, 1u), (uint.MaxValue, 1u) })
        {
            new DiscreteLaplaceSampler(numerator, denominator).Fill(draws(16), random);
            draws(1)[0] = new DiscreteLaplaceSampler(numerator, denominator).Sample(random);
        }
    });

    [Fact]
    public void Discrete_Gaussian_noise_of_one_key_is_what_it_was() => Draws("gaussian", (random, draws) =>
    {
        foreach (var sigma in new[] { 0.3, 1, 2.5, 1000, 1e6, 1 << 30 })
        {
            DiscreteGaussianSampler.AtLeast(sigma).Fill(draws(12), random);
            draws(1)[0] = DiscreteGaussianSampler.AtLeast(sigma).Sample(random);
        }
    });

    [Fact]
    public void Batches_of_noise_of_one_key_are_what_they_were() => Draws("batch", (random, draws) =>
    {
        foreach (var sigma in new[] { 0.3, 5, 10.3, 60, 300, 1 << 20, 1e9, 1L << 40 })
        {
            var sampler = BatchGaussianSampler.AtLeast(sigma);
            sampler.Fill(draws(19), random);
            if (sampler.LargestMagnitude <= int.MaxValue)
            {
                var narrow = new int[11];
                sampler.Fill(narrow, random, portable: true);
                Array.ConvertAll(narrow, x => (long)x).CopyTo(draws(11));
            }
        }
    });

    [Fact]
    public void What_a_batch_sampler_promises_is_what_it_was()
    {
        var record = new RecordedFigures();
        foreach (var sigma in new[] { 1e-6, 0.3, 5, 10.25, 10.3, 22, 60, 300, 1 << 20, 1e9, 1L << 40 })
        {
            var sampler = BatchGaussianSampler.AtLeast(sigma);
            record.Compare($"batch sampler {sigma:R}", 1e-12, [sampler.Variance, sampler.Sigma, sampler.LargestMagnitude, sampler.Distance, sampler.DeltaOf(1000, new(2)).Value, .. sampler.Multipliers.ToArray().Select(k => (double)k)]);
            record.Compare($"sampler {sigma:R}", 0, sigma <= 1 << 30 ? [DiscreteGaussianSampler.AtLeast(sigma).Variance, DiscreteLaplaceSampler.AtLeast(sigma).Scale] : [0]);
        }

        record.AssertUnchanged();
    }

    [Fact]
    public void Choices_and_answers_of_one_key_are_what_they_were() => Draws("choices", (random, draws) =>
    {
        long[] scores = [4, 9, 8, 2, 9, -3];
        foreach (ref var draw in draws(40))
        {
            draw = ExponentialMechanism.ForEpsilon(new(0.7), Replace, 2).Choose(scores, random);
        }

        foreach (ref var draw in draws(40))
        {
            draw = PermuteAndFlip.ForEpsilon(new(0.7), Replace, 2).Choose(scores, random);
        }

        foreach (ref var draw in draws(40))
        {
            draw = PermuteAndFlip.ForEpsilon(new(0.7), Add).Choose(scores, random);
        }

        var truths = Enumerable.Range(0, 40).Select(i => i % 5).ToArray();
        RandomizedResponse.ForEpsilon(new(1.5), 5, Replace).Respond(truths, truths, random);
        Array.ConvertAll(truths, x => (long)x).CopyTo(draws(40));
        var run = AboveThreshold.ForEpsilon(new(1.5), new(2, Replace), 12).Start(3, random);
        foreach (ref var draw in draws(40))
        {
            draw = run.IsOver ? 2 : run.IsAbove(1) ? 1 : 0;
        }

        var monotone = AboveThreshold.ForEpsilon(new(1.5), new(1, Add), 9, monotone: true).Start(0, random);
        foreach (ref var draw in draws(40))
        {
            draw = monotone.IsOver ? 2 : monotone.IsAbove(1) ? 1 : 0;
        }
    });

    [Fact]
    public void Tokens_of_one_key_are_what_they_were() => Draws("tokens", (random, draws) =>
    {
        var decoding = ClippedLogitDecoding.ForEpsilon(new(8), new(1e-6), 20, 12, 0.8, Replace);
        float[] reference = [1, 2, float.NegativeInfinity, 0.25f, 1.5f, -100, 0];
        long[] sum = [30_000_000, -9_000_000, 7, long.MaxValue, long.MinValue, 3, 12_345_678];
        foreach (ref var draw in draws(120))
        {
            draw = decoding.Sample(reference, sum, random);
        }

        sum[3] = sum[4] = 0;
        for (var voter = 0; voter < 3; voter++)
        {
            decoding.Add([0.5f * voter, 2, 1, float.NaN, -0.25f, 9, 1e-7f], reference, sum);
        }

        sum.CopyTo(draws(7));
    });

    [Fact]
    public void Noisy_numbers_of_one_key_are_what_they_were()
    {
        var record = new RecordedFigures();
        using var random = new AesCounterRandom(new byte[32]);
        double[] values = [1, -2.5, double.NaN, double.PositiveInfinity, 1e-9];
        foreach (var multiplier in new[] { 0.01, 1.3, 700 })
        {
            var (exact, vector) = (GaussianMechanism.OfNoiseMultiplier(multiplier, new(0.3, Add), 5), VectorGaussianMechanism.OfNoiseMultiplier(multiplier, new(0.3, Add), 5));
            var noisy = new double[5];
            exact.Release(values, noisy, random);
            record.Compare($"gaussian mechanism {multiplier:R}", 0, noisy);
            values.CopyTo(noisy, 0);
            vector.Release(noisy, random);
            record.Compare($"vector mechanism {multiplier:R}", 0, noisy);
            var floats = Array.ConvertAll(values, x => (float)x);
            vector.Release(floats, random);
            record.Compare($"vector mechanism of floats {multiplier:R}", 0, Array.ConvertAll(floats, x => (double)x));
            record.Compare($"mechanisms {multiplier:R}", 1e-12, exact.Sigma, vector.Sigma, exact.Rho.Value, vector.Rho.Value, vector.SamplingDelta(new(1), 3).Value);
        }

        foreach (var epsilon in new[] { 0.1, 2, 9 })
        {
            var laplace = LaplaceMechanism.ForEpsilon(new(epsilon), new(3, Replace));
            long[] numbers = [1, -5, long.MaxValue];
            laplace.Release(numbers, numbers, random);
            record.Compare($"laplace mechanism {epsilon:R}", 0, numbers[0], numbers[1], numbers[2] - long.MaxValue, laplace.Release(7, random), laplace.Scale);
            record.Compare($"calibrated {epsilon:R}", 1e-9, GaussianMechanism.ForEpsilon(new(epsilon), new(1e-6), new(2, Replace), 7).Sigma, GaussianMechanism.ForRho(new(epsilon), new(2, Replace), 7).Sigma, VectorGaussianMechanism.ForEpsilon(new(epsilon), new(1e-6), new(2, Replace), 7).Sigma,
                RandomizedResponse.ForEpsilon(new(epsilon), 4, Replace).NoiseProbability, ClippedLogitDecoding.ForEpsilon(new(epsilon), new(1e-6), 50, 20, 0.9, Replace).ClipNorm, ClippedLogitDecoding.ForEpsilon(new(epsilon), new(1e-6), 50, 20, 0.9, Add).RhoPerToken.Value,
                ExponentialMechanism.ForEpsilon(new(epsilon), Replace, 3).Beta, ExponentialMechanism.ForEpsilon(new(epsilon), Add, 3).Rho.Value, AboveThreshold.ForEpsilon(new(epsilon), new(2, Add), 3).Epsilon.Value, RandomizedResponse.ForEpsilon(new(epsilon), 4, Replace).EstimateTruths([3, 4, 5, 60])[3]);
        }

        record.AssertUnchanged();
    }

    private delegate Span<long> Next(int count);

    private static void Draws(string name, Action<ISecureRandom, Next> draw)
    {
        using var random = new AesCounterRandom(new byte[32]);
        var (buffer, used) = (new long[2000], 0);
        draw(random, count =>
        {
            used += count;
            return buffer.AsSpan(used - count, count);
        });
        var record = new RecordedFigures();
        record.Compare($"noise, {name}", 0, Array.ConvertAll(buffer[..used], x => (double)x));
        record.AssertUnchanged();
    }
}
