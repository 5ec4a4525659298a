using System.Diagnostics;
using System.Runtime.InteropServices;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Homomorphic;
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

    public string Description => "Welch's t of the time of scalar, mask, rounding, sampling and ring code between a fixed and a random secret (beyond 4.5 leaks).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        using var random = new SecureRandom();
        foreach (var (name, measure) in Operations(random).Concat(RingOperations(random)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new Measurement(name, Math.Abs(measure()), "|t|", "the threshold of a leak", 4.5, LowerIsBetter: true);
        }

        var left = new byte[4096];
        var leak = WelchT(_ => new byte[4096], _ => [1, .. new byte[4095]], right => left.AsSpan().SequenceEqual(right), random);
        yield return new Measurement("control: a comparison that stops early", Math.Abs(leak), "|t|");
    }

    private static IEnumerable<(string Name, Func<double> Measure)> Operations(SecureRandom random)
    {
        var factor = Scalar.Random(random);
        yield return ("scalar multiplication", () => WelchT(_ => Scalar.One, _ => Scalar.Random(random), scalar => _ = scalar * factor, random));
        yield return ("scalar inversion", () => WelchT(_ => Scalar.One, _ => Scalar.Random(random), scalar => _ = scalar.Invert(), random));
        yield return ("scalar decoding", () => WelchT(_ => Scalar.One, _ => Scalar.Random(random), scalar => Scalar.TryRead(scalar.Bytes, out _), random));
        yield return ("base multiplication", () => WelchT(_ => Scalar.One, _ => Scalar.Random(random), scalar => _ = GroupElement.MultiplyBase(scalar), random));
        yield return ("keystream addition", () => WelchT(() => Words(random), lanes => Stream.AddTo(lanes, 0), random));

        var rounded = new int[1024];
        var words = Words(random);
        yield return ("stochastic rounding, the update", () => WelchT(
            () => Words(random).Select(word => ((int)word) * 1e-9f).ToArray(), update => StochasticRounding.Round(update, 1000, 4000, words, rounded), random));
        var flat = new float[1024];
        yield return ("stochastic rounding, its random words", () => WelchT(
            () => Words(random), drawn => StochasticRounding.Round(flat, 1000, 4000, drawn, rounded), random));

        // The sampler's secret is what it draws: bytes that give the same sample every time, and random ones.
        var sampler = BatchGaussianSampler.AtLeast(1000);
        var noise = new int[1024];
        yield return ("discrete Gaussian batch", () => WelchT(
            _ => new Recorded([.. Enumerable.Repeat((byte)0x55, 1 << 15)]), _ => new Recorded([.. Enumerable.Range(0, 8).SelectMany(_ => MemoryMarshal.AsBytes(Words(random).AsSpan()).ToArray())]),
            source => sampler.Fill(noise, source), random));
    }

    // Keys, errors and values of the lattice modes.
    private static IEnumerable<(string Name, Func<double> Measure)> RingOperations(SecureRandom random)
    {
        using var stream = new KeystreamWords(new byte[CounterKeystream.KeySizeBytes]);
        var noise = new long[512];
        yield return ("ring error samples", () => WelchT(
            () => MemoryMarshal.Cast<uint, ulong>(Words(random)).ToArray(), words => GaussianNoise.Decide(words, noise, stream, 0, 0), random));

        using var plane = new RingElement();
        yield return ("ring transform", () => WelchT(
            () => Enumerable.Range(0, 8).SelectMany(_ => Words(random)).Select(word => word * (double)(1 << 17)).ToArray(), Transform, random));

        var layout = new SlotLayout(16, 1024);
        var limbs = new long[LimbPlanes.Limbs * SlotLayout.Piece];
        yield return ("ring packing", () => WelchT(
            () => Enumerable.Range(0, 56).SelectMany(_ => Words(random)).Select(word => (int)(short)(word & 0xFFFF)).ToArray(),
            values => layout.Pack(values, 0, noise.AsSpan(0, SlotLayout.Piece), limbs), random));

        void Transform(double[] secret)
        {
            secret.CopyTo(plane[0]);
            RingArithmetic.Fastest.Transform(plane[0], Ring.Moduli[0]);
        }
    }

    private static readonly CounterKeystream Stream = new(new byte[CounterKeystream.KeySizeBytes]);

    private static uint[] Words(SecureRandom random)
    {
        var words = new uint[1024];
        random.Fill(MemoryMarshal.AsBytes(words.AsSpan()));
        return words;
    }

    // Zeros are made from random values: memory that nothing was ever written to is one page of the kernel's, which stays in the first-level cache.
    private static double WelchT<T>(Func<T[]> randomInput, Action<T[]> call, SecureRandom random)
        where T : struct => WelchT(
        _ =>
        {
            var zeros = randomInput();
            Array.Clear(zeros);
            return zeros;
        },
        _ => randomInput(), call, random);

    // One call and as many inputs of either class, each in memory of its own: only the values differ.
    private static double WelchT<T>(Func<int, T> fixedInput, Func<int, T> randomInput, Action<T> call, SecureRandom random)
    {
        var inputs = new T[2 * Variants];
        for (var i = 0; i < Variants; i++)
        {
            (inputs[2 * i], inputs[(2 * i) + 1]) = (fixedInput(i), randomInput(i));
        }

        var choices = new byte[Measurements];
        for (var start = 0; start < Measurements; start += 10_000)
        {
            random.Fill(choices.AsSpan(start, Math.Min(10_000, Measurements - start)));
        }

        var times = new double[Measurements];
        for (var i = -4000; i < Measurements; i++)
        {
            var choice = choices[Math.Max(0, i)];
            var input = inputs[choice % (2 * Variants)];
            var started = Stopwatch.GetTimestamp();
            call(input);
            times[Math.Max(0, i)] = Stopwatch.GetTimestamp() - started;
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
