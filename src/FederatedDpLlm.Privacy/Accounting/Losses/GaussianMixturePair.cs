using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>
/// Two mixtures of Gaussians of variance 1, sum of p_j N(s_j, 1) against sum of q_j N(t_j, 1), whose loss increases along the line (every s at least every t).
/// </summary>
internal sealed class GaussianMixturePair : DominatingPair
{
    private readonly (double Mean, double Weight)[] _upper;
    private readonly (double Mean, double Weight)[] _lower;

    public GaussianMixturePair(IEnumerable<(double Mean, double Weight)> upper, IEnumerable<(double Mean, double Weight)> lower)
    {
        _upper = [.. upper.Where(part => part.Weight > 0)];
        _lower = [.. lower.Where(part => part.Weight > 0)];
        Smallest = Limit(_upper, part => part.Mean) is var low && low.Mean > Limit(_lower, part => part.Mean).Mean
            ? double.NegativeInfinity
            : Math.Log(low.Weight / Limit(_lower, part => part.Mean).Weight);
        Largest = Limit(_upper, part => -part.Mean) is var high && high.Mean > Limit(_lower, part => -part.Mean).Mean
            ? double.PositiveInfinity
            : Math.Log(high.Weight / Limit(_lower, part => -part.Mean).Weight);
    }

    public override double Smallest { get; }

    public override double Largest { get; }

    public override Masses Above(double loss)
    {
        var z = Where(loss);
        return new(Tail(_upper, z, +1), Tail(_lower, z, +1));
    }

    public override Masses Below(double loss)
    {
        var z = Where(loss);
        return new(Tail(_upper, z, -1), Tail(_lower, z, -1));
    }

    public override (Masses Above, Masses Below) Tails(double loss)
    {
        var z = Where(loss);
        var (upperAbove, upperBelow) = Tails(_upper, z);
        var (lowerAbove, lowerBelow) = Tails(_lower, z);
        return (new(upperAbove, lowerAbove), new(upperBelow, lowerBelow));
    }

    private static (double Above, double Below) Tails((double Mean, double Weight)[] mixture, double z)
    {
        double above = 0, below = 0;
        foreach (var (mean, weight) in mixture)
        {
            var (up, down) = Normal.Tails(z - mean);
            above += weight * up;
            below += weight * down;
        }

        return (above, below);
    }

    private static double Tail((double Mean, double Weight)[] mixture, double z, int sign)
    {
        var sum = 0.0;
        foreach (var (mean, weight) in mixture)
        {
            sum += weight * Normal.Above(sign * (z - mean));
        }

        return sum;
    }

    // The outermost component on one side and all the weight that sits there.
    private static (double Mean, double Weight) Limit((double Mean, double Weight)[] mixture, Func<(double Mean, double Weight), double> key)
    {
        var outermost = mixture.MinBy(key).Mean;
        return (outermost, mixture.Where(part => part.Mean == outermost).Sum(part => part.Weight));
    }

    private double Where(double loss)
    {
        if (loss <= Smallest)
        {
            return double.NegativeInfinity;
        }

        if (loss >= Largest)
        {
            return double.PositiveInfinity;
        }

        // The Poisson-sampled Gaussian has a closed form: loss = ln(1 - q + q e^(s z - s^2/2)).
        if (_lower is [{ Mean: 0 }] && _upper is [(0, var rest), (var mean, var rate)])
        {
            return (mean / 2) + (Math.Log((Elementary.ExpMinusOne(loss) + 1 - rest) / rate) / mean);
        }

        return Solve(loss);
    }

    // Newton's method on the increasing loss, kept between bounds that it moves; halving where it would leave them.
    private double Solve(double loss)
    {
        double low = -1, high = 1;
        while (Loss(low).Value > loss && low > -1e9)
        {
            (low, high) = (low * 2, low);
        }

        while (Loss(high).Value < loss && high < 1e9)
        {
            (low, high) = (high, high * 2);
        }

        var z = (low + high) / 2;
        for (var i = 0; i < 100; i++)
        {
            var (value, slope) = Loss(z);
            (low, high) = value < loss ? (z, high) : (low, z);
            var next = z - ((value - loss) / slope);
            next = next > low && next < high ? next : (low + high) / 2;
            if (Math.Abs(next - z) <= 1e-15 * Math.Max(1, Math.Abs(z)))
            {
                return next;
            }

            z = next;
        }

        return z;
    }

    private (double Value, double Slope) Loss(double z)
    {
        var (upper, upperSlope) = LogDensityRatio(_upper, z);
        var (lower, lowerSlope) = LogDensityRatio(_lower, z);
        return (upper - lower, upperSlope - lowerSlope);
    }

    // ln of a mixture's density over that of N(0, 1), and its derivative.
    private static (double Value, double Slope) LogDensityRatio((double Mean, double Weight)[] mixture, double z)
    {
        if (mixture is [(var only, 1)])
        {
            return (only * (z - (only / 2)), only);
        }

        var largest = double.NegativeInfinity;
        foreach (var (mean, weight) in mixture)
        {
            largest = Math.Max(largest, (mean * (z - (mean / 2))) + Math.Log(weight));
        }

        double sum = 0, slope = 0;
        foreach (var (mean, weight) in mixture)
        {
            var density = weight * Math.Exp((mean * (z - (mean / 2))) - largest);
            sum += density;
            slope += mean * density;
        }

        return (largest + Math.Log(sum), slope / sum);
    }
}
