using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>Functions of single elements: the lanes do not touch each other, so their number is free; tails go through the same lane operations.</summary>
internal static unsafe class Elementwise
{
    private const int Lanes = 16;

    // exp by Cody and Waite's reduction and the Cephes polynomial for float (relative error below 2e-7 on the range that is kept); libm differs between machines.
    private const float Log2E = 1.44269504088896341f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const float LargestArgument = 88f;
    private const float SmallestArgument = -87f;

    /// <summary>target += source.</summary>
    public static void Add(float* target, float* source, int length)
    {
        unchecked
        {
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                (Vector512.Load(target + i) + Vector512.Load(source + i)).Store(target + i);
            }

            for (; i < length; i++)
            {
                target[i] += source[i];
            }
        }
    }

    /// <summary>result = silu(gate) * up (Shazeer 2020, arXiv 2002.05202: SwiGLU).</summary>
    public static void SwiGlu(float* gate, float* up, float* result, int length)
    {
        unchecked
        {
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                var g = Vector512.Load(gate + i);
                (g * Sigmoid(g) * Vector512.Load(up + i)).Store(result + i);
            }

            for (; i < length; i++)
            {
                var g = Vector512.Create(gate[i]);
                result[i] = (g * Sigmoid(g) * Vector512.Create(up[i])).ToScalar();
            }
        }
    }

    /// <summary>From the gradient of silu(gate) * up: the gradients of gate and up, in place of <paramref name="gradient"/> (gate) and in <paramref name="upGradient"/>.</summary>
    public static void SwiGluBackward(float* gate, float* up, float* gradient, float* upGradient, int length)
    {
        unchecked
        {
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                var (gateBack, upBack) = SwiGluBackward(Vector512.Load(gate + i), Vector512.Load(up + i), Vector512.Load(gradient + i));
                gateBack.Store(gradient + i);
                upBack.Store(upGradient + i);
            }

            for (; i < length; i++)
            {
                var (gateBack, upBack) = SwiGluBackward(Vector512.Create(gate[i]), Vector512.Create(up[i]), Vector512.Create(gradient[i]));
                gradient[i] = gateBack.ToScalar();
                upGradient[i] = upBack.ToScalar();
            }
        }
    }

    /// <summary>values = exp(values - shift); arguments below -87 count as -87.</summary>
    public static void ExpShifted(float* values, float shift, int length)
    {
        unchecked
        {
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                Exp(Vector512.Load(values + i) - Vector512.Create(shift)).Store(values + i);
            }

            for (; i < length; i++)
            {
                values[i] = Exp(Vector512.Create(values[i] - shift)).ToScalar();
            }
        }
    }

    /// <summary>values *= factor.</summary>
    public static void Scale(float* values, float factor, int length)
    {
        unchecked
        {
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                (Vector512.Load(values + i) * factor).Store(values + i);
            }

            for (; i < length; i++)
            {
                values[i] *= factor;
            }
        }
    }

    /// <summary>The largest value (of at least one).</summary>
    public static float Max(float* values, int length)
    {
        unchecked
        {
            var i = 0;
            var max = values[0];
            if (length >= Lanes)
            {
                var lanes = Vector512.Load(values);
                for (i = Lanes; i + Lanes <= length; i += Lanes)
                {
                    lanes = Vector512.Max(lanes, Vector512.Load(values + i));
                }

                max = Max(lanes);
            }

            for (; i < length; i++)
            {
                max = MathF.Max(max, values[i]);
            }

            return max;
        }
    }

    /// <summary>The largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> lanes)
    {
        var eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        var two = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(SmallestArgument)), Vector512.Create(LargestArgument));
        var n = Vector512.Round(x * Log2E);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        var exponent = Vector512.ConvertToInt32Native(n) + Vector512.Create(127);
        return p * Vector512.ShiftLeft(exponent, 23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Gate, Vector512<float> Up) SwiGluBackward(Vector512<float> gate, Vector512<float> up, Vector512<float> gradient)
    {
        var sigmoid = Sigmoid(gate);
        var silu = gate * sigmoid;
        var slope = sigmoid + silu * (Vector512<float>.One - sigmoid);
        return (gradient * up * slope, gradient * silu);
    }
}
