using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Privacy.Calibration;

/// <summary>What a quota that refills means for the people in the data, if askers collude: the windows add up.</summary>
/// <param name="BasicEpsilon">Windows times epsilon.</param>
/// <param name="ConcentratedEpsilon">The same in zCDP, at the reported delta: each window spends the rho that its epsilon stands for.</param>
public readonly record struct ResetGrowth(double BasicEpsilon, double ConcentratedEpsilon)
{
    /// <summary>After a number of windows.</summary>
    /// <param name="windowEpsilon">What one window admits.</param>
    /// <param name="windowDelta">At which delta that is read.</param>
    /// <param name="windows">How many windows were spent to the end, at least 0.</param>
    /// <param name="reportDelta">At which delta the sum is reported.</param>
    public static ResetGrowth After(Epsilon windowEpsilon, Delta windowDelta, long windows, Delta reportDelta)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(windows);
        var rho = ZeroConcentrated.RhoFor(windowEpsilon, windowDelta).Value * windows;
        return new(windowEpsilon.Value * windows, double.IsFinite(rho) ? ZeroConcentrated.EpsilonAt(new(rho), reportDelta) : rho);
    }
}
