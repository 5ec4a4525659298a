namespace FederatedDpLlm.Privacy.Tests;

public sealed class ValueTests
{
    [Theory, InlineData(-1e-300), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void What_is_no_epsilon_or_rho_is_refused(double value)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Epsilon(value));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Rho(value));
    }

    [Theory, InlineData(-1e-300), InlineData(double.NaN), InlineData(1.0)]
    public void What_is_no_delta_is_refused(double value) => Assert.Throws<ArgumentOutOfRangeException>(() => new Delta(value));
}
