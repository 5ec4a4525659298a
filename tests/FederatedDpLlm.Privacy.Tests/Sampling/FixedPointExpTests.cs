using CsCheck;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

public sealed class FixedPointExpTests
{
    private const double One = 1UL << FixedPointExp.InputBits;

    [Fact]
    public void The_weight_is_within_its_proved_error_of_the_exponential() =>
        Gen.ULong[0, 40UL << FixedPointExp.InputBits].Sample(x =>
        {
            var weight = (double)FixedPointExp.Minus(x) / Math.Pow(2, FixedPointExp.OutputBits);
            // 2^-43 for the weight and a few units in the last place for the reference.
            Assert.InRange(weight / Math.Exp(-(x / One)), 1 - Math.Pow(2, -43), 1 + Math.Pow(2, -43));
        }, iter: 200_000);

    [Fact]
    public void A_larger_gap_never_has_a_larger_weight() =>
        Gen.Select(Gen.ULong[0, 40UL << FixedPointExp.InputBits], Gen.ULong[1, 1 << 21]).Sample((x, step) =>
            Assert.True(FixedPointExp.Minus(x) >= FixedPointExp.Minus(x + step) - (FixedPointExp.Minus(x) >> 45)));
}
