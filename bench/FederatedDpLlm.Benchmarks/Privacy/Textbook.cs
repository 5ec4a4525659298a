namespace FederatedDpLlm.Benchmarks.Privacy;

/// <summary>The same numbers the way a textbook writes them: right to a few digits, without brackets, caches or transforms.</summary>
internal static class Textbook
{
    /// <summary>Mironov, Talwar, Zhang's binomial sum at whole orders, and Mironov's conversion.</summary>
    public static double RenyiEpsilon(double rate, double sigma, int count, double delta)
    {
        var best = double.PositiveInfinity;
        for (var order = 2; order <= 64; order++)
        {
            double sum = 0, choose = 1;
            for (var k = 0; k <= order; k++)
            {
                sum += choose * Math.Pow(rate, k) * Math.Pow(1 - rate, order - k) * Math.Exp(k * (k - 1) / (2 * sigma * sigma));
                choose = choose * (order - k) / (k + 1);
            }

            best = Math.Min(best, ((count * Math.Log(sum)) - Math.Log(delta)) / (order - 1));
        }

        return best;
    }

    /// <summary>The loss of one step on a grid, rounded to the nearest point, and composed by squaring with direct convolutions.</summary>
    public static double LossEpsilon(double rate, double sigma, int count, double delta, double interval)
    {
        const int Half = 600;
        var one = new double[(2 * Half) + 1];
        for (var z = -12.0; z < 12; z += 1e-4)
        {
            double x = z, ratio = 1 - rate + (rate * Math.Exp(((2 * x) - 1) / (2 * sigma * sigma)));
            var mass = ratio * Math.Exp(-0.5 * x * x / (sigma * sigma)) / (sigma * Math.Sqrt(2 * Math.PI)) * 1e-4;
            one[Math.Clamp((int)Math.Round(Math.Log(ratio) / interval), -Half, Half) + Half] += mass;
        }

        double[]? total = null;
        for (var left = count; left > 0; left >>= 1)
        {
            total = (left & 1) == 0 ? total : total is null ? one : Convolve(total, one, Half);
            one = Convolve(one, one, Half);
        }

        for (var i = 0; i <= Half; i++)
        {
            var loss = 0.0;
            for (var j = i; j <= Half; j++)
            {
                loss += total![j + Half] * (1 - Math.Exp((i - j) * interval));
            }

            if (loss <= delta)
            {
                return i * interval;
            }
        }

        return double.PositiveInfinity;
    }

    /// <summary>Balle and Wang's profile, with the error function by a series, halved down to the answer.</summary>
    public static double AnalyticSigma(double epsilon, double delta)
    {
        double low = 0.01, high = 1000;
        for (var i = 0; i < 60; i++)
        {
            var sigma = (low + high) / 2;
            var profile = Cdf((1 / (2 * sigma)) - (epsilon * sigma)) - (Math.Exp(epsilon) * Cdf((-1 / (2 * sigma)) - (epsilon * sigma)));
            (low, high) = profile > delta ? (sigma, high) : (low, sigma);
        }

        return high;
    }

    /// <summary>A filter that adds up its history at each check.</summary>
    public static double SumOfCosts(int history)
    {
        var sum = 0.0;
        for (var i = 0; i < history; i++)
        {
            sum += 1e-9;
        }

        return sum;
    }

    private static double[] Convolve(double[] left, double[] right, int half)
    {
        var sum = new double[left.Length];
        for (var i = 0; i < left.Length; i++)
        {
            for (var j = 0; j < right.Length; j++)
            {
                sum[Math.Clamp(i + j - half, 0, left.Length - 1)] += left[i] * right[j];
            }
        }

        return sum;
    }

    private static double Cdf(double x)
    {
        if (Math.Abs(x) > 38)
        {
            return x > 0 ? 1 : 0;
        }

        double term = x, sum = x;
        for (var n = 3; n < 2000 && Math.Abs(term) > 1e-17 * Math.Abs(sum); n += 2)
        {
            term *= x * x / n;
            sum += term;
        }

        return 0.5 + (sum * Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI));
    }
}
