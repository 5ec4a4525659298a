using FederatedDpLlm.Privacy.Auditing;
using FederatedDpLlm.Privacy.Clipping;
using FederatedDpLlm.Privacy.Mechanisms;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Privacy.Tests.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Auditing;

/// <summary>The same randomness on an input and its neighbour.</summary>
public sealed class GreyBoxTests
{
    private const NeighbouringRelation Replace = NeighbouringRelation.ReplaceOne;
    private static readonly long[] Counts = [10, 10, 3];
    private static readonly long[] OneMoved = [9, 11, 3];
    private static readonly double[][] Patients = [[3, 4], [0.5, 0], [0, -0.2]];
    private static readonly double[][] OneReplaced = [[-30, -40], [0.5, 0], [0, -0.2]];

    [Fact]
    public void Noise_that_is_added_shows_exactly_the_sensitivity()
    {
        var laplace = LaplaceMechanism.ForEpsilon(new(0.5), L1Sensitivity.OfHistogram(1, Replace));
        var finding = GreyBoxAudit.Compare((counts, random) => [Released(laplace, counts, random)], Counts, OneMoved, runs: 50);
        Assert.True(finding.AgreesWithL1(2));
        Assert.Equal(2, finding.LargestL1);
        Assert.False(finding.AgreesWithL1(1.9));

        // Replaced by its opposite, a clipped patient moves the sum by twice the norm.
        var gaussian = GaussianMechanism.ForRho(new(0.1), L2Sensitivity.OfClippedSum(1, Replace), 2);
        finding = GreyBoxAudit.Compare((patients, random) => [Sum(gaussian, patients, clip: true, random)], Patients, OneReplaced, runs: 50);
        Assert.True(finding.AgreesWithL2(2 + 1e-3));
        Assert.InRange(finding.LargestL2, 2 - 1e-3, 2 + 1e-3);
    }

    [Fact]
    public void Each_mistake_shows()
    {
        var laplace = LaplaceMechanism.ForEpsilon(new(0.5), L1Sensitivity.OfHistogram(1, Replace));
        var gaussian = GaussianMechanism.ForRho(new(0.1), L2Sensitivity.OfClippedSum(1, Replace), 2);

        // The clip is missing.
        Assert.False(GreyBoxAudit.Compare((patients, random) => [Sum(gaussian, patients, clip: false, random)], Patients, OneReplaced, 5).AgreesWithL2(2.001));

        // The noise is the same whatever the source gives.
        Assert.False(GreyBoxAudit.Compare((counts, _) => [Released(laplace, counts, new SeededRandom(1))], Counts, OneMoved, 5).UsesSource);

        // The noise comes from elsewhere.
        var elsewhere = new SeededRandom(5);
        Assert.False(GreyBoxAudit.Compare((counts, _) => [Released(laplace, counts, elsewhere)], Counts, OneMoved, 5).Repeats);

        // A draw only where the data say so; a noise call only where the data say so.
        Assert.False(GreyBoxAudit.Compare((counts, random) => [Released(laplace, counts[0] > 9 ? counts : counts[..2], random)], Counts, OneMoved, 5).SameShape);
        var skips = GreyBoxAudit.Compare((counts, random) => counts[0] > 9 ? [Released(laplace, counts, random)] : [[9, 11, 3]], Counts, OneMoved, 5);
        Assert.False(skips.SameDraws);
        Assert.False(skips.AgreesWithL1(1000));
    }

    [Fact]
    public void A_recorded_source_repeats_its_stream_and_remembers_its_calls()
    {
        byte[] one = new byte[40], other = new byte[40];
        using RecordedRandom first = new(7), second = new(7), third = new(8);
        first.Fill(one);
        second.Fill(other);
        Assert.Equal(one, other);
        third.Fill(other.AsSpan(0, 8));
        Assert.NotEqual(one[..8], other[..8]);
        Assert.Equal([40], first.Calls);
        Assert.Equal([8], third.Calls);
    }

    private static double[] Released(LaplaceMechanism mechanism, long[] counts, ISecureRandom random)
    {
        var noisy = new long[counts.Length];
        mechanism.Release(counts, noisy, random);
        return [.. noisy.Select(count => (double)count)];
    }

    private static double[] Sum(GaussianMechanism mechanism, double[][] patients, bool clip, ISecureRandom random)
    {
        var sum = new double[2];
        foreach (var patient in patients)
        {
            var contribution = patient.ToArray();
            if (clip)
            {
                VectorClipping.ToL2(contribution, 1);
            }

            sum = [sum[0] + contribution[0], sum[1] + contribution[1]];
        }

        mechanism.Release(sum, sum, random);
        return sum;
    }
}
