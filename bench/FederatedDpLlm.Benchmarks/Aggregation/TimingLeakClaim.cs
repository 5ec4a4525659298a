using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Quantization;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>Does the time of code that handles secrets depend on them? Every operation between two controls, one that leaks and one that does not.</summary>
internal sealed class TimingLeakClaim : IClaim
{
    private readonly SecureRandom _random = new();
    private readonly FixedVersusRandom _test;

    public TimingLeakClaim() => _test = new FixedVersusRandom(_random);

    public string Name => "timing-leak";

    public string Description => $"Welch's t of the time of scalar, mask, rounding, sampling and ring code between a fixed and a random secret (beyond {FixedVersusRandom.Threshold} leaks).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var (name, measure) in Scalars().Concat(Vectors()).Concat(RingOperations()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new Measurement(name, measure(), "|t|", "the threshold of a leak", FixedVersusRandom.Threshold, LowerIsBetter: true);
        }

        var (left, right) = (new byte[4096], new byte[4096]);
        byte[] Other() => [1, .. new byte[4095]];
        yield return new Measurement("control: a comparison in constant time", _test.LargestT(right, Other, () => CryptographicOperations.FixedTimeEquals(left, right)), "|t|");
        Array.Clear(right);
        yield return new Measurement("control: a comparison that stops early", _test.LargestT(right, Other, () => left.AsSpan().SequenceEqual(right)), "|t|");
    }

    private IEnumerable<(string Name, Func<double> Measure)> Scalars()
    {
        var factor = Scalar.Random(_random);
        (string, Func<double>) Of(string name, Action<Scalar> call)
        {
            Scalar[] secret = [Scalar.One];
            return (name, () => _test.LargestT(secret, () => [Scalar.Random(_random)], () => call(secret[0])));
        }

        yield return Of("scalar multiplication", scalar => _ = scalar * factor);
        yield return Of("scalar inversion", scalar => _ = scalar.Invert());
        yield return Of("scalar decoding", scalar => Scalar.TryRead(scalar.Bytes, out _));
        yield return Of("base multiplication", scalar => _ = GroupElement.MultiplyBase(scalar));
    }

    private IEnumerable<(string Name, Func<double> Measure)> Vectors()
    {
        using var stream = new CounterKeystream(new byte[CounterKeystream.KeySizeBytes]);
        var lanes = new uint[1024];
        yield return ("keystream addition", () => _test.LargestT(lanes, () => Words(), () => stream.AddTo(lanes, 0)));

        var (rounded, update, words) = (new int[1024], new float[1024], Words());
        yield return ("stochastic rounding, the update", () => _test.LargestT(
            update, () => [.. Words().Select(word => (int)word * 1e-9f)], () => StochasticRounding.Round(update, 1000, 4000, words, rounded)));
        var (flat, drawn) = (new float[1024], new uint[1024]);
        yield return ("stochastic rounding, its random words", () => _test.LargestT(drawn, () => Words(), () => StochasticRounding.Round(flat, 1000, 4000, drawn, rounded)));

        // The sampler's secret is what it draws: bytes that give the same sample every time, and random ones.
        var sampler = BatchGaussianSampler.AtLeast(1000);
        var (noise, source) = (new int[1024], new Recorded([.. Enumerable.Repeat((byte)0x55, 1 << 15)]));
        yield return ("discrete Gaussian batch", () => _test.LargestT(source.Bytes, () => MemoryMarshal.AsBytes(Words(8).AsSpan()).ToArray(), () =>
        {
            source.Rewind();
            sampler.Fill(noise, source);
        }));
    }

    // Keys, errors and values of the lattice modes.
    private IEnumerable<(string Name, Func<double> Measure)> RingOperations()
    {
        using var stream = new KeystreamWords(new byte[CounterKeystream.KeySizeBytes]);
        var (words, noise) = (new ulong[512], new long[512]);
        yield return ("ring error samples", () => _test.LargestT(words, () => MemoryMarshal.Cast<uint, ulong>(Words()).ToArray(), () => GaussianNoise.Decide(words, noise, stream, 0, 0)));

        using var plane = new RingElement();
        var secret = new double[Ring.Degree];
        yield return ("ring transform", () => _test.LargestT(secret, () => [.. Words(8).Select(word => word * (double)(1 << 17))], () =>
        {
            secret.CopyTo(plane[0]);
            RingArithmetic.Fastest.Transform(plane[0], Ring.Moduli[0]);
        }));

        var layout = new SlotLayout(16, 1024);
        var (values, limbs) = (new int[layout.ValuesPerElement], new long[LimbPlanes.Limbs * SlotLayout.Piece]);
        yield return ("ring packing", () => _test.LargestT(
            values, () => [.. Words(layout.ValuesPerElement / 1024).Select(word => (int)unchecked((short)word))], () => layout.Pack(values, 0, noise.AsSpan(0, SlotLayout.Piece), limbs)));
    }

    private uint[] Words(int thousands = 1)
    {
        var words = new uint[1024 * thousands];
        _random.Fill(MemoryMarshal.AsBytes(words.AsSpan()));
        return words;
    }

    private sealed class Recorded(byte[] bytes) : ISecureRandom
    {
        private int _at;

        public byte[] Bytes => bytes;

        public void Rewind() => _at = 0;

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
