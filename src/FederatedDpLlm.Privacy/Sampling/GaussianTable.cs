using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>
/// The cumulative table of one narrow discrete Gaussian, read without a secret-dependent address or branch: 31 bits of a word walk a search tree of 63 thresholds
/// that lie in registers, the last bit is the sign.
/// </summary>
/// <remarks>
/// Thresholds have 95 bits. A word that equals the first 31 bits of one, or lies beyond the 63rd, cannot decide (a chance of about 2^-25): it is continued by 64 more bits and
/// compared with all of them. That path alone takes longer. Parameters: variance at most <see cref="LargestVariance"/>; the table is cut where its tail is below 2^-110.
/// </remarks>
internal sealed class GaussianTable
{
    /// <summary>sigma 10.25: beyond it the 63rd threshold would leave more than 2^-29 to the slow path.</summary>
    public const double LargestVariance = 10.25 * 10.25;

    /// <summary>Variances are multiples of 2^-40.</summary>
    public const int VarianceBits = 40;

    private const int Nodes = 64;
    private const int WordBits = 31;
    private const int ExtraBits = 64;
    private const int WeightBits = 192;
    private const int TailBits = 110;
    private readonly int[] _tree = new int[Nodes];
    private readonly UInt128[] _thresholds;

    /// <param name="varianceOnGrid">sigma^2 in units of 2^-40, at least 1.</param>
    public GaussianTable(long varianceOnGrid)
    {
        Variance = Math.ScaleB((double)varianceOnGrid, -VarianceBits);
        var weights = Weights(varianceOnGrid);
        var total = weights.Aggregate(BigInteger.Zero, (sum, weight) => sum + weight);
        _thresholds = new UInt128[weights.Count - 1];
        var cumulative = BigInteger.Zero;
        for (var i = 0; i < _thresholds.Length; i++)
        {
            cumulative += weights[i];
            _thresholds[i] = (UInt128)((cumulative << (WordBits + ExtraBits)) / total);
        }

        var next = 0;
        Plant(1, ref next);
        Distance = DistanceOf(weights);
    }

    /// <summary>sigma^2.</summary>
    public double Variance { get; }

    /// <summary>The largest magnitude that is ever drawn.</summary>
    public int Largest => _thresholds.Length;

    /// <summary>A bound on the statistical distance of one draw from the discrete Gaussian of this variance.</summary>
    public double Distance { get; }

    /// <summary>The thresholds P(|X| &lt; i + 1) in units of 2^-95, for the proof by computation in the tests.</summary>
    internal ReadOnlySpan<UInt128> Thresholds => _thresholds;

    /// <summary>Each word becomes a draw X, added to <paramref name="multiplier"/> times the value at its place.</summary>
    /// <param name="words">Uniform; as many as values.</param>
    /// <param name="values">Replaced by X + multiplier * value.</param>
    /// <param name="multiplier">At least 0.</param>
    /// <param name="more">Where the rare undecided words are continued from, in the order of their places.</param>
    /// <param name="portable">Use no instruction beyond the common ones; the result is the same.</param>
    public void Accumulate(ReadOnlySpan<uint> words, Span<int> values, int multiplier, ISecureRandom more, bool portable = false)
    {
        var done = Avx2.IsSupported && !portable ? Wide(words, values, multiplier, more) : 0;
        for (; done < words.Length; done++)
        {
            values[done] = Draw(words[done], more) + (multiplier * values[done]);
        }
    }

    // Eight searches side by side. Node i has children 2i (at most its threshold) and 2i + 1 (above); a leaf's number less 64 counts the thresholds passed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Wide(ReadOnlySpan<uint> words, Span<int> values, int multiplier, ISecureRandom more)
    {
        var tree = _tree.AsSpan();
        Vector256<int> n0 = Vector256.Create<int>(tree), n1 = Vector256.Create<int>(tree[8..]);
        Vector256<int> n2 = Vector256.Create<int>(tree[16..]), n3 = Vector256.Create<int>(tree[24..]);
        Vector256<int> n4 = Vector256.Create<int>(tree[32..]), n5 = Vector256.Create<int>(tree[40..]);
        Vector256<int> n6 = Vector256.Create<int>(tree[48..]), n7 = Vector256.Create<int>(tree[56..]);
        var scale = Vector256.Create(multiplier);
        var whole = words.Length & ~7;
        for (var at = 0; at < whole; at += 8)
        {
            var word = Vector256.Create(words[at..]);
            var drawn = (word >>> 1).AsInt32();
            var node = Vector256<int>.One;
            var doubt = Vector256<int>.Zero;
            Step(drawn, Avx2.PermuteVar8x32(n0, node), ref node, ref doubt);
            Step(drawn, Avx2.PermuteVar8x32(n0, node), ref node, ref doubt);
            Step(drawn, Avx2.PermuteVar8x32(n0, node), ref node, ref doubt);
            Step(drawn, Avx2.PermuteVar8x32(n1, node), ref node, ref doubt);
            Step(drawn, Choose(node << 28, Avx2.PermuteVar8x32(n2, node), Avx2.PermuteVar8x32(n3, node)), ref node, ref doubt);
            var low = Choose(node << 28, Avx2.PermuteVar8x32(n4, node), Avx2.PermuteVar8x32(n5, node));
            var high = Choose(node << 28, Avx2.PermuteVar8x32(n6, node), Avx2.PermuteVar8x32(n7, node));
            Step(drawn, Choose(node << 27, low, high), ref node, ref doubt);
            doubt |= Vector256.Equals(node, Vector256.Create((2 * Nodes) - 1));
            var sign = (word & Vector256<uint>.One).AsInt32();
            var value = ((node - Vector256.Create(Nodes)) ^ -sign) + sign;
            var coarse = Vector256.Create<int>(values[at..]) * scale;
            (value + coarse).CopyTo(values[at..]);
            if (doubt != Vector256<int>.Zero)
            {
                Settle(doubt, words[at..], coarse, values[at..], more);
            }
        }

        return whole;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(Vector256<int> drawn, Vector256<int> threshold, ref Vector256<int> node, ref Vector256<int> doubt)
    {
        doubt |= Vector256.Equals(drawn, threshold);
        node = node + node - Vector256.GreaterThan(drawn, threshold);
    }

    // By the sign bit of the mask.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Choose(Vector256<int> mask, Vector256<int> clear, Vector256<int> set) =>
        Avx.BlendVariable(clear.AsSingle(), set.AsSingle(), mask.AsSingle()).AsInt32();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Settle(Vector256<int> doubt, ReadOnlySpan<uint> words, Vector256<int> coarse, Span<int> values, ISecureRandom more)
    {
        for (var lane = 0; lane < Vector256<int>.Count; lane++)
        {
            if (doubt[lane] != 0)
            {
                values[lane] = Continue(words[lane], more) + coarse[lane];
            }
        }
    }

    private int Draw(uint word, ISecureRandom more)
    {
        var drawn = (int)(word >> 1);
        int passed = 0, doubt = 0;
        foreach (var threshold in _tree.AsSpan(1))
        {
            passed += (threshold - drawn) >>> 31;
            doubt |= threshold == drawn ? 1 : 0;
        }

        return doubt != 0 || passed == Nodes - 1 ? Continue(word, more) : Signed(passed, word);
    }

    private int Continue(uint word, ISecureRandom more)
    {
        Span<ulong> extra = stackalloc ulong[1];
        more.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(extra));
        var drawn = new UInt128(word >> 1, extra[0]);
        extra.Clear();
        var passed = 0;
        foreach (var threshold in _thresholds)
        {
            passed += drawn >= threshold ? 1 : 0;
        }

        return Signed(passed, word);
    }

    private static int Signed(int magnitude, uint word) => (word & 1) == 0 ? magnitude : -magnitude;

    // In order: the smaller half on the left. Places that the table does not fill hold the largest word, which then is always in doubt.
    private void Plant(int node, ref int next)
    {
        if (node >= Nodes)
        {
            return;
        }

        Plant(2 * node, ref next);
        _tree[node] = next < _thresholds.Length ? (int)(_thresholds[next] >> ExtraBits) : int.MaxValue;
        next++;
        Plant((2 * node) + 1, ref next);
    }

    // P(|X| = x) in units of 2^-192 of P(0): 1, then 2 e^(-x^2/(2 sigma^2)), until they and all that follow are negligible.
    private static List<BigInteger> Weights(long varianceOnGrid)
    {
        var weights = new List<BigInteger> { BigInteger.One << WeightBits };
        for (BigInteger x = 1; ; x++)
        {
            var weight = 2 * ExactBernoulli.ExpMinusFloor((x * x) << (VarianceBits - 1), varianceOnGrid, WeightBits);
            if (weight >> (WeightBits - TailBits) == 0)
            {
                return weights;
            }

            weights.Add(weight);
        }
    }

    /*
     * Against the ideal thresholds P(|X| <= i): cutting the tail moves each by at most the tail's mass, below 2^-TailBits/(1 - r) where r < e^(-x/sigma^2) is the ratio of neighbours at the
     * cut; a weight is short by at most 4 units of 2^-192, n of them by 4n, far below 2^-120; the division loses one unit of 2^-95. Every outcome lies between two thresholds, so the statistical distance,
     * half the sum of all differences, is at most the number of outcomes times the largest displacement.
     */
    private double DistanceOf(List<BigInteger> weights)
    {
        var tail = Math.ScaleB(2, -TailBits) / (1 - Math.Exp(-weights.Count / Variance));
        return weights.Count * (Math.ScaleB(1.0001, -(WordBits + ExtraBits)) + tail);
    }
}
