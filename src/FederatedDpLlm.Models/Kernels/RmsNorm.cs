using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>y = x / sqrt(mean(x^2) + epsilon) * gain, a row at a time (Zhang and Sennrich 2019, arXiv 1910.07467).</summary>
internal static unsafe class RmsNorm
{
    private const int Lanes = 16;

    public static void Forward(float* x, float* gain, float* y, int length, float epsilon)
    {
        unchecked
        {
            var factor = InverseRoot(x, length, epsilon);
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                (Vector512.Load(x + i) * factor * Vector512.Load(gain + i)).Store(y + i);
            }

            for (; i < length; i++)
            {
                y[i] = x[i] * factor * gain[i];
            }
        }
    }

    /// <summary>Adds the gradient of x to <paramref name="xGradient"/> and that of the gain to <paramref name="gainGradient"/>.</summary>
    public static void Backward(float* x, float* gain, float* yGradient, float* xGradient, float* gainGradient, int length, float epsilon)
    {
        unchecked
        {
            var factor = InverseRoot(x, length, epsilon);
            var weighted = stackalloc float[length];
            var i = 0;
            for (; i + Lanes <= length; i += Lanes)
            {
                var y = Vector512.Load(yGradient + i);
                (y * Vector512.Load(gain + i)).Store(weighted + i);
                (Vector512.Load(gainGradient + i) + y * Vector512.Load(x + i) * factor).Store(gainGradient + i);
            }

            for (; i < length; i++)
            {
                weighted[i] = yGradient[i] * gain[i];
                gainGradient[i] += yGradient[i] * x[i] * factor;
            }

            // d/dx of x * (mean(x^2) + eps)^(-1/2): the second term takes out the part along x.
            var along = LaneSum.OfProducts(weighted, x, length) * factor * factor * factor / length;
            for (i = 0; i + Lanes <= length; i += Lanes)
            {
                (Vector512.Load(xGradient + i) + (Vector512.Load(weighted + i) * factor - Vector512.Load(x + i) * along)).Store(xGradient + i);
            }

            for (; i < length; i++)
            {
                xGradient[i] += weighted[i] * factor - x[i] * along;
            }
        }
    }

    private static float InverseRoot(float* x, int length, float epsilon) =>
        1f / MathF.Sqrt(LaneSum.OfProducts(x, x, length) / length + epsilon);
}
