namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>A rule over sums, run over vectors in the clear; it begins at their coordinate-wise median, which attackers below one half cannot move far.</summary>
internal static class SumRuleInTheClear
{
    public static float[] Run(ISumRule rule, IReadOnlyList<ReadOnlyMemory<float>> vectors, int steps)
    {
        var centre = new CoordinateMedian().Combine(vectors).Required;
        for (var step = 0; step < steps; step++)
        {
            var sum = new double[rule.ContributionLength(centre.Length)];
            foreach (var vector in vectors)
            {
                var contribution = rule.Contribute(vector.Span, centre);
                for (var i = 0; i < sum.Length; i++)
                {
                    sum[i] += contribution[i];
                }
            }

            centre = rule.Move(centre, Array.ConvertAll(sum, value => (float)value), vectors.Count);
        }

        return centre;
    }
}
