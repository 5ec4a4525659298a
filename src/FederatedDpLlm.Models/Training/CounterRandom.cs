using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Training;

/// <summary>
/// A seeded, counter-based source for what must be repeatable: synthetic corpora, initial weights, the order of training. The n-th number of a stream is a hash
/// of (key, n), so that any part can be made again by itself. Never a source of privacy noise or of keys.
/// Reference: Steele, Lea and Flood 2014, SplitMix64 (finaliser by Stafford, variant 13).
/// </summary>
public sealed class CounterRandom
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private readonly ulong _key;
    private ulong _counter;

    /// <summary>The stream of these numbers; streams of different numbers are unrelated.</summary>
    public CounterRandom(params ReadOnlySpan<ulong> key)
    {
        foreach (var part in key)
        {
            _key = Mix(unchecked(_key + Golden) ^ part);
        }
    }

    /// <summary>64 uniform bits.</summary>
    public ulong NextBits() => Mix(unchecked(_key + ++_counter * Golden));

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in 0 to <paramref name="count"/> - 1 (bias below count / 2^64).</summary>
    public int Next(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    /// <summary>Uniform in <paramref name="least"/> to <paramref name="most"/>, both included.</summary>
    public int Between(int least, int most) => least + Next(most - least + 1);

    /// <summary>True with this probability.</summary>
    public bool Chance(double probability) => NextDouble() < probability;

    /// <summary>One of the items.</summary>
    public T Pick<T>(IReadOnlyList<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return items[Next(items.Count)];
    }

    /// <summary>Standard normal, by Box and Muller.</summary>
    public double NextNormal()
    {
        var radius = Math.Sqrt(-2 * PreciseMath.Log(1 - NextDouble()));
        return radius * PreciseMath.SinCos(2 * Math.PI * NextDouble()).Cos;
    }

    /// <summary>The items in a random order (Fisher and Yates).</summary>
    public T[] Shuffled<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        for (var i = shuffled.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (shuffled[i], shuffled[j]) = (shuffled[j], shuffled[i]);
        }

        return shuffled;
    }

    private static ulong Mix(ulong x)
    {
        unchecked
        {
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
            return x ^ (x >> 31);
        }
    }
}
