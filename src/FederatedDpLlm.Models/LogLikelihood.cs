namespace FederatedDpLlm.Models;

/// <summary>Natural-log probabilities under a softmax, in double.</summary>
public static class LogLikelihood
{
    /// <summary>ln softmax(logits)[token].</summary>
    public static double Of(ReadOnlySpan<float> logits, int token)
    {
        var max = float.NegativeInfinity;
        foreach (var logit in logits)
        {
            max = MathF.Max(max, logit);
        }

        var sum = 0.0;
        foreach (var logit in logits)
        {
            sum += Math.Exp((double)logit - max);
        }

        return logits[token] - max - Math.Log(sum);
    }
}
