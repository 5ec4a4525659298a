using System.Diagnostics;
using System.Runtime.InteropServices;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Quantization;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>
/// Does the time of code that handles secrets depend on them? Welch's t between a fixed and a random secret, whose calls alternate at random; beyond 4.5 is a
/// leak, as the last line shows of a comparison that ends at the first difference.
/// Reference: Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", DATE 2017 (times above the 90th percentile are cut off).
/// </summary>
internal sealed class TimingLeakClaim : IClaim
{
    private const int Measurements = 40_000;
    private const int Variants = 64;

    public string Name => "timing-leak";

    public string Description => "Welch's t of the time of scalar, mask, rounding and sampling code between a fixed and a random secret (beyond 4.5 leaks).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        using var random = new SecureRandom();
        foreach (var (name, fixedCall, randomCall) in Operations(random))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new Measurement(name, Math.Abs(WelchT(fixedCall, randomCall, random)), "|t|", "the threshold of a leak", 4.5, LowerIsBetter: true);
        }

        var (left, equal, other) = (new byte[4096], new byte[4096], new byte[4096]);
        other[0] = 1;
        var leak = Math.Abs(WelchT(_ => left.AsSpan().SequenceEqual(equal), _ => left.AsSpan().SequenceEqual(other), random));
        yield return new Measurement("control: a comparison that stops early", leak, "|t|");
    }

    private static IEnumerable<(string Name, Action<int> Fixed, Action<int> Random)> Operations(SecureRandom random)
    {
        var scalars = Enumerable.Range(0, Variants).Select(_ => Scalar.Random(random)).ToArray();
        var fixedScalars = Enumerable.Repeat(Scalar.One, Variants).ToArray();
        var factor = Scalar.Random(random);
        yield return ("scalar multiplication", i => _ = fixedScalars[i] * factor, i => _ = scalars[i] * factor);
        yield return ("scalar inversion", i => _ = fixedScalars[i].Invert(), i => _ = scalars[i].Invert());
        yield return ("scalar decoding", i => Scalar.TryRead(fixedScalars[i].Bytes, out _), i => Scalar.TryRead(scalars[i].Bytes, out _));
        yield return ("base multiplication", i => _ = GroupElement.MultiplyBase(fixedScalars[i]), i => _ = GroupElement.MultiplyBase(scalars[i]));

        var words = Words(random);
        var zeros = new uint[1024];
        using var stream = new CounterKeystream(new byte[CounterKeystream.KeySizeBytes]);
        var lanes = new uint[1024];
        yield return ("keystream addition", _ => Add(zeros), i => Add(words[i]));

        var updates = words.Select(one => one.Select(word => ((int)word) * 1e-9f).ToArray()).ToArray();
        var flat = new float[1024];
        var rounded = new int[1024];
        yield return ("stochastic rounding", _ => StochasticRounding.Round(flat, 1000, 4000, words[0], rounded), i => StochasticRounding.Round(updates[i], 1000, 4000, words[0], rounded));
        yield return ("rounding, its random words", _ => StochasticRounding.Round(flat, 1000, 4000, zeros, rounded), i => StochasticRounding.Round(flat, 1000, 4000, words[i], rounded));

        // The sampler's secret is what it draws: bytes that give the middle of the distribution every time, and random ones.
        var sampler = BatchGaussianSampler.AtLeast(1000);
        var noise = new int[1024];
        var middle = new Recorded([.. Enumerable.Repeat((byte)0x55, 1 << 18)]);
        var drawn = new byte[1 << 18];
        random.Fill(drawn);
        var recorded = new Recorded(drawn);
        yield return ("discrete Gaussian batch", _ => sampler.Fill(noise, middle), _ => sampler.Fill(noise, recorded));

        void Add(uint[] secret)
        {
            secret.CopyTo(lanes, 0);
            stream.AddTo(lanes, 0);
        }
    }

    private static uint[][] Words(SecureRandom random) => [.. Enumerable.Range(0, Variants).Select(_ =>
    {
        var words = new uint[1024];
        random.Fill(MemoryMarshal.AsBytes(words.AsSpan()));
        return words;
    })];

    private static double WelchT(Action<int> fixedCall, Action<int> randomCall, SecureRandom random)
    {
        var choices = new byte[Measurements];
        random.Fill(choices.AsSpan(0, 16384));
        for (var start = 16384; start < Measurements; start += 16384)
        {
            random.Fill(choices.AsSpan(start, Math.Min(16384, Measurements - start)));
        }

        for (var i = 0; i < 2000; i++)
        {
            fixedCall(i % Variants);
            randomCall(i % Variants);
        }

        var times = new double[Measurements];
        for (var i = 0; i < Measurements; i++)
        {
            var call = (choices[i] & 1) == 0 ? fixedCall : randomCall;
            var started = Stopwatch.GetTimestamp();
            call(i % Variants);
            times[i] = Stopwatch.GetTimestamp() - started;
        }

        var cut = times.Order().ElementAt(Measurements * 9 / 10);
        double[] Of(int choice) => [.. times.Where((time, i) => (choices[i] & 1) == choice && time <= cut)];
        var (one, other) = (Of(0), Of(1));
        var (meanOne, meanOther) = (one.Average(), other.Average());
        double Variance(double[] values, double mean) => values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1) / values.Length;
        return (meanOne - meanOther) / Math.Sqrt(Variance(one, meanOne) + Variance(other, meanOther));
    }

    private sealed class Recorded(byte[] bytes) : ISecureRandom
    {
        private int _at;

        public void Fill(Span<byte> destination)
        {
            if (_at + destination.Length > bytes.Length)
            {
                _at = 0;
            }

            bytes.AsSpan(_at, destination.Length).CopyTo(destination);
            _at += destination.Length;
        }
    }
}
