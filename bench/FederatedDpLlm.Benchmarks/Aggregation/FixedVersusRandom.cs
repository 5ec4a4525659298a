using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>
/// Does the time of a call depend on a secret? Calls with a fixed secret and calls with random ones take turns at random, and Welch's t compares their times.
/// Reference: Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", DATE 2017: the slowest times are cut off at several percentiles, since what
/// interrupts a call hides what the call itself does, and the largest t counts.
/// Both classes read the same memory by the same instructions: a secret is mixed, by a mask, from the fixed value and one of a few random ones into the one
/// buffer that the call reads. (Inputs in memory of their own differ in how they lie to cache lines, sets and pages, which shows as a leak where there is none.)
/// A call whose time does not depend on the secret is flagged with probability below 2e-6: the classes are drawn independently of all else, and each of the
/// three t exceeds 5 with probability 6e-7.
/// </summary>
internal sealed class FixedVersusRandom(ISecureRandom random, int measurements = 40_000)
{
    /// <summary>Beyond it a call leaks.</summary>
    public const double Threshold = 5;

    private const int Variants = 64;
    private const int WarmUps = 4000;
    private static readonly double[] Kept = [0.5, 0.9, 0.99];

    /// <summary>The largest |t|.</summary>
    /// <param name="secret">What the call reads; it holds the fixed secret at first, and any at the end.</param>
    /// <param name="draw">A random secret of the same length.</param>
    /// <param name="call">What is timed.</param>
    public double LargestT<T>(T[] secret, Func<T[]> draw, Action call)
        where T : unmanaged
    {
        var buffer = MemoryMarshal.AsBytes(secret.AsSpan());
        var constant = buffer.ToArray();
        var variants = Enumerable.Range(0, Variants).Select(_ => MemoryMarshal.AsBytes(draw().AsSpan()).ToArray()).ToArray();
        var choices = new byte[measurements];
        random.Fill(choices);
        var times = new double[measurements];
        for (var i = -WarmUps; i < measurements; i++)
        {
            var choice = choices[i < 0 ? i + WarmUps : i];
            Mix(buffer, constant, variants[choice >> 2], unchecked((byte)-(choice & 1)));
            var started = Stopwatch.GetTimestamp();
            call();
            times[Math.Max(0, i)] = Stopwatch.GetTimestamp() - started;
        }

        var sorted = times.Order().ToArray();
        return Kept.Max(kept => Math.Abs(WelchT(times, choices, sorted[(int)(kept * (measurements - 1))])));
    }

    // constant where the mask is 0, variant where it is 255: no branch and no address depends on which.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix(Span<byte> buffer, ReadOnlySpan<byte> constant, ReadOnlySpan<byte> variant, byte mask)
    {
        var i = 0;
        var wide = new System.Numerics.Vector<byte>(mask);
        for (; i <= buffer.Length - System.Numerics.Vector<byte>.Count; i += System.Numerics.Vector<byte>.Count)
        {
            var (zero, one) = (new System.Numerics.Vector<byte>(constant[i..]), new System.Numerics.Vector<byte>(variant[i..]));
            (zero ^ ((zero ^ one) & wide)).CopyTo(buffer[i..]);
        }

        for (; i < buffer.Length; i++)
        {
            buffer[i] = (byte)(constant[i] ^ ((constant[i] ^ variant[i]) & mask));
        }
    }

    private static double WelchT(double[] times, byte[] choices, double longest)
    {
        var (zero, one) = (new Moments(), new Moments());
        for (var i = 0; i < times.Length; i++)
        {
            if (times[i] <= longest)
            {
                ((choices[i] & 1) == 0 ? zero : one).Add(times[i]);
            }
        }

        var variance = zero.VarianceOfMean + one.VarianceOfMean;
        return variance > 0 ? (zero.Mean - one.Mean) / Math.Sqrt(variance) : zero.Mean == one.Mean ? 0 : double.PositiveInfinity;
    }

    // Welford, Technometrics 4(3), 1962: one pass without cancellation.
    private sealed class Moments
    {
        private double _count;
        private double _squares;

        public double Mean { get; private set; }

        public double VarianceOfMean => _squares / (_count - 1) / _count;

        public void Add(double value)
        {
            _count++;
            var difference = value - Mean;
            Mean += difference / _count;
            _squares += difference * (value - Mean);
        }
    }
}
