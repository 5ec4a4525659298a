using BenchmarkDotNet.Attributes;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;
using FederatedDpLlm.Privacy.Calibration;

namespace FederatedDpLlm.Benchmarks.Privacy;

/// <summary>The accountants' operations for BenchmarkDotNet, which derives from the class and calls its methods.</summary>
public class AccountantBenchmarks
{
    private const NeighbouringRelation Add = NeighbouringRelation.AddOrRemoveOne;
    private static readonly Delta Delta = new(1e-5);
    private readonly PrivacyEvent _training = Training(0.01);
    private readonly PrivacyEvent _unsampled = new GaussianEvent(20, Add).Times(1000);
    private readonly PrivacyFilter _filter = PrivacyFilter.For(Currency.ZeroConcentrated(Delta), new(1000));
    private int _fresh;

    [Benchmark(Description = "RDP epsilon of one (q, sigma, T), cold")]
    public double RenyiCold() => Renyi.EpsilonAt(Training(0.01 + (1e-9 * _fresh++)), Delta);

    [Benchmark(Description = "RDP epsilon of one (q, sigma, T), warm")]
    public double RenyiWarm() => Renyi.EpsilonAt(_training, Delta);

    [Benchmark(Description = "PLD of 1000 sampled Gaussians, interval 1e-3")]
    public double LossCoarse() => PrivacyLoss.EpsilonAt(_training, Delta, 1e-3).Upper;

    [Benchmark(Description = "PLD of 1000 sampled Gaussians, interval 1e-4")]
    public double LossFine() => PrivacyLoss.EpsilonAt(_training, Delta, 1e-4).Upper;

    [Benchmark(Description = "PLD of 1000 sampled Gaussians, usual interval")]
    public double LossUsual() => PrivacyLoss.EpsilonAt(_training, Delta).Upper;

    [Benchmark(Description = "PLD of 1000 unsampled Gaussians (closed form)")]
    public double Unsampled() => PrivacyLoss.EpsilonAt(_unsampled, Delta).Upper;

    [Benchmark(Description = "sigma for one (epsilon, delta)")]
    public double AnalyticSigma() => NoiseCalibration.GaussianSigma(new(1), Delta, 1);

    [Benchmark(Description = "one check of a filter")]
    public bool Filter() => _filter.TryAdmit(1e-9);

    internal static PrivacyEvent Training(double rate) => new PoissonSampledEvent(rate, new GaussianEvent(1, Add)).Times(1000);
}
