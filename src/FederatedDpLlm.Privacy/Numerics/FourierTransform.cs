using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Privacy.Numerics;

/// <summary>
/// An in-place fast Fourier transform over split real and imaginary arrays of a power-of-two length: decimation in frequency forwards (natural in, scrambled out) and
/// decimation in time backwards (scrambled in, natural out), so a pointwise operation in between needs no reordering.
/// </summary>
/// <remarks>Cooley, Tukey, 1965; Gentleman, Sande, 1966. Twiddle factors are computed directly, so the relative error grows as log2 of the length (Higham, chapter 24).</remarks>
internal sealed class FourierTransform
{
    private static readonly ConcurrentDictionary<int, FourierTransform> Plans = new();
    private readonly int _length;
    private readonly double[] _cosines;
    private readonly double[] _sines;

    private FourierTransform(int length)
    {
        _length = length;

        // One table per stage, contiguous for SIMD: the stage of half-size m uses entries m..2m-1.
        _cosines = new double[length];
        _sines = new double[length];
        for (var half = 1; half < length; half *= 2)
        {
            for (var k = 0; k < half; k++)
            {
                var angle = Math.PI * k / half;
                (_sines[half + k], _cosines[half + k]) = (-Math.Sin(angle), Math.Cos(angle));
            }
        }
    }

    /// <summary>The plan for a length, a power of two of at least 2.</summary>
    public static FourierTransform OfLength(int length) => Plans.GetOrAdd(length, static n => BitOperations.IsPow2(n) && n >= 2
        ? new FourierTransform(n)
        : throw new ArgumentOutOfRangeException(nameof(length), n, "The length is a power of two."));

    /// <summary>Unnormalised; output in bit-reversed order.</summary>
    public void Forward(Span<double> real, Span<double> imaginary)
    {
        for (var half = _length / 2; half >= 1; half /= 2)
        {
            for (var start = 0; start < _length; start += 2 * half)
            {
                Decompose(real.Slice(start, half), imaginary.Slice(start, half), real.Slice(start + half, half), imaginary.Slice(start + half, half), half);
            }
        }
    }

    /// <summary>Unnormalised; input in bit-reversed order.</summary>
    public void Backward(Span<double> real, Span<double> imaginary)
    {
        for (var half = 1; half < _length; half *= 2)
        {
            for (var start = 0; start < _length; start += 2 * half)
            {
                Recompose(real.Slice(start, half), imaginary.Slice(start, half), real.Slice(start + half, half), imaginary.Slice(start + half, half), half);
            }
        }
    }

    private void Decompose(Span<double> ar, Span<double> ai, Span<double> br, Span<double> bi, int half)
    {
        ReadOnlySpan<double> cos = _cosines.AsSpan(half, half), sin = _sines.AsSpan(half, half);
        var k = 0;
        for (; k <= half - 4; k += 4)
        {
            Vector256<double> xr = Vector256.Create<double>(ar[k..]), xi = Vector256.Create<double>(ai[k..]);
            Vector256<double> yr = Vector256.Create<double>(br[k..]), yi = Vector256.Create<double>(bi[k..]);
            Vector256<double> c = Vector256.Create(cos[k..]), s = Vector256.Create(sin[k..]);
            (xr + yr).CopyTo(ar[k..]);
            (xi + yi).CopyTo(ai[k..]);
            Vector256<double> dr = xr - yr, di = xi - yi;
            ((dr * c) - (di * s)).CopyTo(br[k..]);
            ((dr * s) + (di * c)).CopyTo(bi[k..]);
        }

        for (; k < half; k++)
        {
            double dr = ar[k] - br[k], di = ai[k] - bi[k];
            (ar[k], ai[k]) = (ar[k] + br[k], ai[k] + bi[k]);
            (br[k], bi[k]) = ((dr * cos[k]) - (di * sin[k]), (dr * sin[k]) + (di * cos[k]));
        }
    }

    private void Recompose(Span<double> ar, Span<double> ai, Span<double> br, Span<double> bi, int half)
    {
        ReadOnlySpan<double> cos = _cosines.AsSpan(half, half), sin = _sines.AsSpan(half, half);
        var k = 0;
        for (; k <= half - 4; k += 4)
        {
            Vector256<double> xr = Vector256.Create<double>(ar[k..]), xi = Vector256.Create<double>(ai[k..]);
            Vector256<double> yr = Vector256.Create<double>(br[k..]), yi = Vector256.Create<double>(bi[k..]);
            Vector256<double> c = Vector256.Create(cos[k..]), s = Vector256.Create(sin[k..]);
            Vector256<double> tr = (yr * c) + (yi * s), ti = (yi * c) - (yr * s);
            (xr + tr).CopyTo(ar[k..]);
            (xi + ti).CopyTo(ai[k..]);
            (xr - tr).CopyTo(br[k..]);
            (xi - ti).CopyTo(bi[k..]);
        }

        for (; k < half; k++)
        {
            double tr = (br[k] * cos[k]) + (bi[k] * sin[k]), ti = (bi[k] * cos[k]) - (br[k] * sin[k]);
            (br[k], bi[k]) = (ar[k] - tr, ai[k] - ti);
            (ar[k], ai[k]) = (ar[k] + tr, ai[k] + ti);
        }
    }
}
