using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Llama;

/// <summary>
/// Rotary positions (Su et al. 2021, arXiv 2104.09864) for heads in the half-split layout: element i is paired with i + size/2. Checkpoints whose pairs are
/// adjacent are permuted when they are read, so that there is one arithmetic.
/// </summary>
internal sealed unsafe class RotaryTable
{
    private const int Lanes = 16;
    private const int HalfLanes = Lanes / 2;
    private readonly int _half;
    private readonly FloatBuffer _cos;
    private readonly FloatBuffer _sin;

    public RotaryTable(ModelConfiguration configuration)
    {
        _half = configuration.HeadSize / 2;
        _cos = new FloatBuffer(checked(configuration.Context * _half));
        _sin = new FloatBuffer(_cos.Length);
        for (var i = 0; i < _half; i++)
        {
            var frequency = Scaled(Frequency(configuration, i), configuration.RotaryScaling);
            for (var position = 0; position < configuration.Context; position++)
            {
                var (sin, cos) = PreciseMath.SinCos(position * frequency);
                _cos.Span[position * _half + i] = (float)cos;
                _sin.Span[position * _half + i] = (float)sin;
            }
        }
    }

    /// <summary>Rotates <paramref name="heads"/> heads that lie one after the other.</summary>
    /// <param name="vectors">The heads, changed in place.</param>
    /// <param name="heads">How many.</param>
    /// <param name="position">The token's place in its sequence.</param>
    /// <param name="backward">Turns back: the gradient of a rotation is its inverse.</param>
    public void Rotate(float* vectors, int heads, int position, bool backward = false)
    {
        unchecked
        {
            var cos = _cos.Pointer + (nint)position * _half;
            var sin = _sin.Pointer + (nint)position * _half;
            var sign = backward ? -1f : 1f;
            for (var head = 0; head < heads; head++, vectors += 2 * _half)
            {
                var i = 0;
                for (; i + Lanes <= _half; i += Lanes)
                {
                    var (a, b) = (Vector512.Load(vectors + i), Vector512.Load(vectors + i + _half));
                    var (c, s) = (Vector512.Load(cos + i), Vector512.Load(sin + i) * sign);
                    (a * c - b * s).Store(vectors + i);
                    (b * c + a * s).Store(vectors + i + _half);
                }

                for (; i + HalfLanes <= _half; i += HalfLanes)
                {
                    var (a, b) = (Vector256.Load(vectors + i), Vector256.Load(vectors + i + _half));
                    var (c, s) = (Vector256.Load(cos + i), Vector256.Load(sin + i) * sign);
                    (a * c - b * s).Store(vectors + i);
                    (b * c + a * s).Store(vectors + i + _half);
                }

                for (; i < _half; i++)
                {
                    var (a, b, s) = (vectors[i], vectors[i + _half], sign * sin[i]);
                    vectors[i] = a * cos[i] - b * s;
                    vectors[i + _half] = b * cos[i] + a * s;
                }
            }
        }

        GC.KeepAlive(this);
    }

    /// <summary>The unscaled frequency of a pair, in radians per position.</summary>
    public static double Frequency(ModelConfiguration configuration, int pair) =>
        PreciseMath.Exp(-2.0 * pair / configuration.HeadSize * PreciseMath.Log(configuration.RotaryTheta));

    /// <summary>Llama 3.1's rule, as in Hugging Face transformers' modeling_rope_utils.</summary>
    public static double Scaled(double frequency, RotaryScaling scaling)
    {
        if (scaling.Kind == RotaryScalingKind.None)
        {
            return frequency;
        }

        if (scaling.Kind == RotaryScalingKind.Linear)
        {
            return frequency / scaling.Factor;
        }

        var wavelength = 2 * Math.PI / frequency;
        if (wavelength < scaling.OriginalContext / scaling.HighFrequencyFactor)
        {
            return frequency;
        }

        if (wavelength > scaling.OriginalContext / scaling.LowFrequencyFactor)
        {
            return frequency / scaling.Factor;
        }

        var smooth = (scaling.OriginalContext / wavelength - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return (1 - smooth) * frequency / scaling.Factor + smooth * frequency;
    }
}
