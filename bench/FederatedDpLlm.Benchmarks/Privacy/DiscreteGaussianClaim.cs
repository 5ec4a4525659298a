using System.Runtime.CompilerServices;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Benchmarks.Privacy;

/// <summary>Noise for a model update on one core: the batch sampler beside the exact one.</summary>
internal sealed class DiscreteGaussianClaim : IClaim
{
    private const int Rounds = 5;
    private const int Samples = 10_000_000;
    private const int ExactSamples = 500_000;

    public string Name => "discrete-gaussian";

    public string Description => "Discrete Gaussian samples per second and core for model updates, within 2^-60 of the exact distribution.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var narrow = new int[Samples];
        var wide = new long[Samples];
        using var system = new SecureRandom();
        using var keyed = new AesCounterRandom(new byte[AesCounterRandom.KeySizeBytes]);
        foreach (var sigma in new[] { 3.2, 50, 1000, 65536, 1 << 20 })
        {
            var sampler = BatchGaussianSampler.AtLeast(sigma);
            var exact = DiscreteGaussianSampler.AtLeast(sigma);
            var bits = $"distance 2^{Math.Log2(sampler.Distance):F1}";
            var (fast, slow) = Interleaved(() => sampler.Fill(narrow, system), Samples, () => exact.Fill(wide.AsSpan(0, ExactSamples), system), ExactSamples, cancellationToken);
            yield return new Measurement($"sigma {sigma}, 32 bits, system source, {bits}", fast, "samples/s", "exact sampler", slow);
            (fast, slow) = Interleaved(() => sampler.Fill(wide, keyed), Samples, () => exact.Fill(wide.AsSpan(0, ExactSamples), keyed), ExactSamples, cancellationToken);
            yield return new Measurement($"sigma {sigma}, 64 bits, keyed source, {bits}", fast, "samples/s", "exact sampler", slow);
        }
    }

    // Of one thread's processor time, medians of rounds taken in turn: what a neighbour's load does to caches meets both.
    internal static (double First, double Second) Interleaved(Action first, int firstCount, Action second, int secondCount, CancellationToken cancellationToken)
    {
        var (one, other) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (a, b) = (Speed(first, firstCount), Speed(second, secondCount));
            if (round > 0)
            {
                one.Add(a);
                other.Add(b);
            }
        }

        return (one.Order().ElementAt(Rounds / 2), other.Order().ElementAt(Rounds / 2));
    }

    private static double Speed(Action action, int count)
    {
        var started = ThreadTime.Seconds;
        action();
        return count / (ThreadTime.Seconds - started);
    }
}
