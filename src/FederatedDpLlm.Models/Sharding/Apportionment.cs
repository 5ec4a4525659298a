namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// Whole units in proportion to weights, none beyond its cap: water-filling, then the largest remainders (ties: the earlier node). Where there are enough units
/// everybody gets one.
/// </summary>
internal static class Apportionment
{
    /// <returns>A number of units for each weight; null where the caps do not hold them all.</returns>
    public static int[]? Of(int units, IReadOnlyList<double> weights, IReadOnlyList<long> caps)
    {
        if (caps.Sum(cap => Math.Min(cap, units)) < units)
        {
            return null;
        }

        var shares = new double[weights.Count];
        var open = Enumerable.Range(0, weights.Count).ToList();
        double left = units;
        while (open.Count > 0)
        {
            var scale = left / open.Sum(node => weights[node]);
            var full = open.Where(node => weights[node] * scale >= caps[node]).ToList();
            foreach (var node in full.Count > 0 ? full : open)
            {
                shares[node] = full.Count > 0 ? caps[node] : weights[node] * scale;
                left -= full.Count > 0 ? caps[node] : 0;
            }

            open = full.Count > 0 ? [.. open.Except(full)] : [];
        }

        return Rounded(units, shares, caps);
    }

    private static int[] Rounded(int units, double[] shares, IReadOnlyList<long> caps)
    {
        var whole = shares.Select(share => (int)Math.Floor(share + 1e-9)).ToArray();
        foreach (var node in Enumerable.Range(0, shares.Length).OrderByDescending(node => shares[node] - whole[node]).ToList())
        {
            if (whole.Sum() < units && whole[node] < caps[node])
            {
                whole[node]++;
            }
        }

        while (units >= whole.Length && Array.FindIndex(whole, count => count == 0) is >= 0 and var empty && caps[empty] > 0)
        {
            whole[Array.IndexOf(whole, whole.Max())]--;
            whole[empty]++;
        }

        return whole;
    }
}
