namespace FederatedDpLlm.Privacy.Numerics;

/// <summary>Logarithms of factorials and binomial coefficients, within 1e-14 relatively.</summary>
internal static class Factorials
{
    private const int TableSize = 256;
    private static readonly double[] Table = Fill();

    /// <summary>ln n!.</summary>
    public static double Log(long n)
    {
        if (n < TableSize)
        {
            return Table[n];
        }

        // Stirling's series: the next term is below 1e-22 at n = 256.
        double x = n, square = x * x;
        return ((x + 0.5) * Math.Log(x)) - x + 0.91893853320467274178 + ((1 / 12.0) - (((1 / 360.0) - (1 / (1260.0 * square))) / square)) / x;
    }

    /// <summary>ln C(n, k); minus infinity outside 0..n.</summary>
    public static double LogBinomial(long n, long k) => k < 0 || k > n ? double.NegativeInfinity : Log(n) - Log(k) - Log(n - k);

    private static double[] Fill()
    {
        var table = new double[TableSize];
        for (var n = 2; n < TableSize; n++)
        {
            table[n] = table[n - 1] + Math.Log(n);
        }

        return table;
    }
}
