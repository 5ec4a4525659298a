using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models;

/// <summary>Natural-log probabilities under a softmax, in double.</summary>
public static class LogLikelihood
{
    /// <summary>ln softmax(logits)[token].</summary>
    public static unsafe double Of(ReadOnlySpan<float> logits, int token)
    {
        fixed (float* first = logits)
        {
            var max = Elementwise.Max(first, logits.Length);
            return (double)logits[token] - max - Math.Log(ExpSum.Of(logits, max));
        }
    }
}
