using FederatedDpLlm.Benchmarks.Aggregation;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Benchmarks.Privacy;

/// <summary>What the accountants take, each beside the textbook's way of computing the same number in the same run.</summary>
internal sealed class AccountantClaim : IClaim
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private static readonly Delta Delta = new(1e-5);

    public string Name => "accountant";

    public string Description => "RDP epsilon (cold, warm), PLD of 1000 sampled Gaussians, Gaussian x1000, analytic sigma, one filter check";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();

        // A new rate each time, so nothing is remembered; at the accountant's own orders.
        var fresh = 0;
        yield return Compare("RDP epsilon of one (q, sigma, T), cold", "ms", 1e3,
            () => Renyi.EpsilonAt(Training(0.01 + (1e-9 * fresh++), 1.1, 1000), Delta),
            "binomial sums at the whole orders 2 to 64", () => Textbook.RenyiEpsilon(0.01, 1.1, 1000, Delta.Value), 200);
        var known = Training(0.01, 1.1, 1000);
        yield return Alone("RDP epsilon of one (q, sigma, T), warm", "us", 1e6, () => Renyi.EpsilonAt(known, Delta), 300_000);

        var plan = Training(0.01, 1, 1000);
        yield return Compare("PLD of 1000 sampled Gaussians, interval 1e-3", "ms", 1e3,
            () => PrivacyLoss.EpsilonAt(plan, Delta, 1e-3).Upper,
            "direct convolution by squaring, one direction, no lower end, interval 1e-2", () => Textbook.LossEpsilon(0.01, 1, 1000, Delta.Value, 1e-2), 60);
        yield return Alone("PLD of 1000 sampled Gaussians, interval 1e-4", "ms", 1e3, () => PrivacyLoss.EpsilonAt(plan, Delta, 1e-4).Upper, 40);
        yield return Alone("PLD of 1000 sampled Gaussians, usual interval", "ms", 1e3, () => PrivacyLoss.EpsilonAt(plan, Delta).Upper, 40);

        var unsampled = new GaussianEvent(20, Add).Times(1000);
        yield return Alone("PLD of 1000 unsampled Gaussians (closed form)", "us", 1e6, () => PrivacyLoss.EpsilonAt(unsampled, Delta).Upper, 2000);
        yield return Compare("sigma for one (epsilon, delta)", "us", 1e6,
            () => NoiseCalibration.GaussianSigma(new(1), Delta, 1),
            "bisection on the profile", () => Textbook.AnalyticSigma(1, Delta.Value), 5000);

        var filter = PrivacyFilter.For(Currency.ZeroConcentrated(Delta), new(1000));
        yield return Compare("one check of a filter", "ns", 1e9,
            () => filter.TryAdmit(1e-9) ? 1 : 0,
            "re-adding the last 1000 costs", () => Textbook.SumOfCosts(1000), 200_000);
    }

    private static PrivacyEvent Training(double rate, double sigma, long count) => new PoissonSampledEvent(rate, new GaussianEvent(sigma, Add)).Times(count);

    private static Measurement Alone(string setting, string unit, double scale, Func<double> ours, int runs) => new(setting, MedianOf(ours, runs) * scale, unit, LowerIsBetter: true);

    private static Measurement Compare(string setting, string unit, double scale, Func<double> ours, string peer, Func<double> theirs, int runs) =>
        new(setting, MedianOf(ours, runs) * scale, unit, peer, MedianOf(theirs, Math.Max(7, runs / 20)) * scale, LowerIsBetter: true);

    // The median of 15 batches of processor time, after the compiler has settled; a batch is as many calls as make the clock's own time small.
    private static double MedianOf(Func<double> call, int runs)
    {
        var batch = Math.Max(1, runs / 15);
        for (var i = 0; i < Math.Max(30, runs / 3); i++)
        {
            _sink += call();
        }

        var times = new double[15];
        for (var i = 0; i < times.Length; i++)
        {
            var started = ThreadTime.Seconds;
            for (var k = 0; k < batch; k++)
            {
                _sink += call();
            }

            times[i] = (ThreadTime.Seconds - started) / batch;
        }

        Array.Sort(times);
        return times[times.Length / 2];
    }

    // What is computed must be used, or the compiler may leave it out.
    private static double _sink;
}
