using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>Adam with decoupled weight decay on matrices (Loshchilov and Hutter 2019, arXiv 1711.05101). Elementwise, so its bits depend on nothing but its inputs.</summary>
internal sealed unsafe class AdamW(IReadOnlyList<TensorShape> shapes)
{
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.98f;
    private const float Epsilon = 1e-8f;
    private const int Lanes = 16;

    /// <summary>Running means of the gradients.</summary>
    public TensorSet First { get; } = TensorSet.Zeros(shapes);

    /// <summary>Running means of their squares.</summary>
    public TensorSet Second { get; } = TensorSet.Zeros(shapes);

    /// <summary>Changes the parameters by one step.</summary>
    /// <param name="parameters">Changed in place.</param>
    /// <param name="gradients">Each multiplied by <paramref name="gradientScale"/>.</param>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="weightDecay">Of matrices; vectors do not decay.</param>
    /// <param name="gradientScale">From clipping.</param>
    /// <param name="threads">Most threads.</param>
    public void Step(TensorSet parameters, TensorSet gradients, long step, double learningRate, double weightDecay, float gradientScale, int threads)
    {
        // Bias corrections by plain multiplication: no library's power function.
        var correction1 = (float)(1 / (1 - Power(Beta1, step)));
        var correction2 = (float)(1 / (1 - Power(Beta2, step)));
        Parallel.ForEach(parameters.Shapes, new ParallelOptions { MaxDegreeOfParallelism = threads }, tensor =>
        {
            var decay = (float)(tensor.IsVector ? 0 : learningRate * weightDecay);
            Update(
                parameters[tensor.Name], gradients[tensor.Name], First[tensor.Name], Second[tensor.Name],
                (float)learningRate, decay, gradientScale, correction1, correction2);
        });
    }

    private static double Power(double value, long exponent)
    {
        var result = 1.0;
        for (; exponent > 0; exponent >>= 1, value *= value)
        {
            result *= (exponent & 1) == 1 ? value : 1;
        }

        return result;
    }

    private static void Update(
        FloatBuffer parameters, FloatBuffer gradients, FloatBuffer first, FloatBuffer second, float rate, float decay, float scale, float correction1, float correction2)
    {
        unchecked
        {
            var i = 0;
            for (; i + Lanes <= parameters.Length; i += Lanes)
            {
                var gradient = Vector512.Load(gradients.Pointer + i) * scale;
                var m = Vector512.Load(first.Pointer + i) * Beta1 + gradient * (1 - Beta1);
                var v = Vector512.Load(second.Pointer + i) * Beta2 + gradient * gradient * (1 - Beta2);
                var w = Vector512.Load(parameters.Pointer + i);
                (w - (w * decay + m * correction1 / (Vector512.Sqrt(v * correction2) + Vector512.Create(Epsilon)) * rate)).Store(parameters.Pointer + i);
                m.Store(first.Pointer + i);
                v.Store(second.Pointer + i);
            }

            for (; i < parameters.Length; i++)
            {
                var gradient = gradients.Pointer[i] * scale;
                var m = first.Pointer[i] * Beta1 + gradient * (1 - Beta1);
                var v = second.Pointer[i] * Beta2 + gradient * gradient * (1 - Beta2);
                var w = parameters.Pointer[i];
                parameters.Pointer[i] = w - (w * decay + m * correction1 / (MathF.Sqrt(v * correction2) + Epsilon) * rate);
                (first.Pointer[i], second.Pointer[i]) = (m, v);
            }
        }
    }
}
