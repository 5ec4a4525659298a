using FederatedDpLlm.Privacy.Accounting.Losses;

namespace FederatedDpLlm.Privacy.Tests.Accounting.Losses;

/// <summary>What a composed loss is charged for rounding, for what may be infinite, and for its lattice: to the last digits that tell it from nothing.</summary>
public sealed class ChargedRoundingTests
{
    private const double MassError = 4e-13;

    // A response on its own lattice, of which it is said that its losses may be 0.001 off.
    private sealed class Blurred(DominatingPair inner) : DominatingPair
    {
        public override double Smallest => inner.Smallest;

        public override double Largest => inner.Largest;

        public override double Rounding => 1e-3;

        public override Masses Above(double loss) => inner.Above(loss);

        public override Masses Below(double loss) => inner.Below(loss);
    }

    [Fact]
    public void What_losses_may_be_off_is_charged_once_a_loss_on_either_side()
    {
        LossComposition Of(DominatingPair pair) => new([(LossGrid.Of(pair, 0.45, 1e-13), 5)]);
        var response = AtomicPair.OfApproximate(0.45, 0);
        var (blurred, sharp) = (Of(new Blurred(response)), Of(response));
        foreach (var delta in new[] { 0.3, 0.05 })
        {
            var (wide, narrow) = (blurred.EpsilonAt(delta), sharp.EpsilonAt(delta));
            Assert.Equal(5e-3, wide.Upper - narrow.Upper, 1e-10);
            Assert.Equal(5e-3, narrow.Lower - wide.Lower, 1e-10);
            Assert.InRange(narrow.Upper - narrow.Lower, 0, 1e-10);
        }

        foreach (var epsilon in new[] { 0.3, 1.1 })
        {
            Assert.Equal(sharp.DeltaAt(epsilon - 5e-3).Upper, blurred.DeltaAt(epsilon).Upper, 1e-10);
            Assert.Equal(sharp.DeltaAt(epsilon + 5e-3).Lower, blurred.DeltaAt(epsilon).Lower, 1e-10);
        }
    }

    // A million small losses: 4e-13 of each one's range, which is 2e-9 in all.
    [Fact]
    public void Each_loss_is_charged_the_error_of_its_masses_over_its_range()
    {
        (LossGrid Grid, long Count)[] parts = [(LossGrid.Of(new LaplacePair(1e-3), 4e-4, 1e-13), 1_000_000), (LossGrid.Of(new GaussianPair(1e-3), 4e-4, 1e-13), 3)];
        var composition = new LossComposition(parts);
        var rounding = parts.Sum(part => part.Count * ((MassError * (Math.Abs(part.Grid.Origin) + (part.Grid.Upper.Length * 4e-4))) + part.Grid.Nudge));
        var rise = parts.Sum(part => part.Count * part.Grid.Rise) + rounding;
        Assert.InRange(rounding, 1e-9, 1e-7);
        const double Delta = 1e-5;
        var (above, below) = TiltedWindow.Of(parts, composition.TiltForDelta(Delta), MassError * 1_000_003)!.Value;
        var bracket = composition.EpsilonAt(Delta);
        Assert.Equal(above.EpsilonAt(Delta, composition.Infinite, above: true) + rounding, bracket.Upper, 1e-13);
        Assert.Equal(below.EpsilonAt(Delta, 0, above: false) - rise, bracket.Lower, 1e-13);

        const double Epsilon = 2.5;
        (above, below) = TiltedWindow.Of(parts, composition.TiltForEpsilon(Epsilon), MassError * 1_000_003)!.Value;
        var other = composition.DeltaAt(Epsilon);
        Assert.Equal(above.DeltaAt(Epsilon - rounding, composition.Infinite, above: true), other.Upper, 1e-13 * other.Upper);
        Assert.Equal(below.DeltaAt(Epsilon + rise, 0, above: false), other.Lower, 1e-13 * other.Upper);
    }

    [Fact]
    public void A_chance_of_everything_is_infinite_only_where_it_is_sure()
    {
        // Surely infinite: 1 - 0.9^2 = 0.19. What a lattice of the Gaussian's leaves out may be infinite, or not.
        var sure = new LossComposition([(LossGrid.Of(AtomicPair.OfApproximate(0.5, 0.1), 0.5, 1e-13), 2)]);
        Assert.Equal(0.19, sure.Infinite, 1e-13);
        Assert.Equal(new(double.PositiveInfinity, double.PositiveInfinity), sure.EpsilonAt(0.18));
        Assert.True(double.IsFinite(sure.EpsilonAt(0.2).Upper));
        Assert.InRange(sure.DeltaAt(50).Lower, 0.19 * (1 - 1e-6), 0.19);
        var unsure = new LossComposition([(LossGrid.Of(new GaussianPair(1), 0.1, 0.01), 2)]);
        Assert.InRange(unsure.Infinite, 0.015, 0.02);
        Assert.Equal(new(0, double.PositiveInfinity), unsure.EpsilonAt(unsure.Infinite));
        Assert.InRange(unsure.DeltaAt(50).Upper, unsure.Infinite, unsure.Infinite + 1e-9);
        Assert.Equal(0, unsure.DeltaAt(50).Lower);
        var all = new LossComposition([(LossGrid.Of(new AtomicPair([new(1, 0), new(0, 1)]), 0.1, 1e-9), 2)]);
        Assert.Equal((new(1, 1), new(double.PositiveInfinity, double.PositiveInfinity)), (all.DeltaAt(3), all.EpsilonAt(0.5)));
    }
}
