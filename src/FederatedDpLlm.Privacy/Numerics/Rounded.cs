namespace FederatedDpLlm.Privacy.Numerics;

/// <summary>
/// Binary64 arithmetic with a chosen side of rounding, for amounts that must never err towards less privacy cost. The sign of the exact rounding error
/// comes from a fused multiply-add or from two-sum, so a result that is already exact is not moved.
/// </summary>
/// <remarks>Arguments are at least 0 except for <see cref="AddUp"/> and <see cref="AddDown"/>; an infinite result stays infinite.</remarks>
internal static class Rounded
{
    // Below this the error term itself may underflow: the neighbour is taken whatever the error.
    private const double Tiny = 1e-280;

    public static double AddUp(double left, double right) => Nudge(left + right, AddError(left, right), up: true);

    public static double AddDown(double left, double right) => Nudge(left + right, AddError(left, right), up: false);

    public static double MultiplyUp(double left, double right) => Multiply(left, right, up: true);

    public static double MultiplyDown(double left, double right) => Multiply(left, right, up: false);

    public static double DivideUp(double dividend, double divisor) => Divide(dividend, divisor, up: true);

    public static double DivideDown(double dividend, double divisor) => Divide(dividend, divisor, up: false);

    public static double SquareUp(double value) => MultiplyUp(value, value);

    public static double SquareDown(double value) => MultiplyDown(value, value);

    public static double RootDown(double value)
    {
        var root = Math.Sqrt(value);
        return double.IsFinite(root) && Math.FusedMultiplyAdd(-root, root, value) < 0 ? Math.BitDecrement(root) : root;
    }

    public static double RootUp(double value)
    {
        var root = Math.Sqrt(value);
        return double.IsFinite(root) && Math.FusedMultiplyAdd(-root, root, value) > 0 ? Math.BitIncrement(root) : root;
    }

    /// <summary>The smallest double that is at least <paramref name="value"/>.</summary>
    public static double OfUp(long value)
    {
        var rounded = (double)value;
        return (Int128)rounded < value ? Math.BitIncrement(rounded) : rounded;
    }

    private static double Multiply(double left, double right, bool up)
    {
        var product = left * right;
        if (left == 0 || right == 0)
        {
            return product;
        }

        return Math.Abs(product) < Tiny ? Step(product, up) : Nudge(product, Math.FusedMultiplyAdd(left, right, -product), up);
    }

    private static double Divide(double dividend, double divisor, bool up)
    {
        var quotient = dividend / divisor;
        if (dividend == 0 || double.IsInfinity(divisor))
        {
            return quotient;
        }

        return quotient < Tiny || dividend < Tiny ? Step(quotient, up) : Nudge(quotient, Math.FusedMultiplyAdd(-quotient, divisor, dividend), up);
    }

    // Knuth's two-sum: exact for any two doubles whose sum does not overflow.
    private static double AddError(double left, double right)
    {
        var sum = left + right;
        var tail = sum - left;
        return left - (sum - tail) + (right - tail);
    }

    private static double Nudge(double rounded, double error, bool up)
    {
        if (!double.IsFinite(rounded))
        {
            return rounded;
        }

        return up ? (error > 0 ? Math.BitIncrement(rounded) : rounded) : error < 0 ? Math.BitDecrement(rounded) : rounded;
    }

    private static double Step(double value, bool up) => !double.IsFinite(value) ? value : up ? Math.BitIncrement(value) : Math.Max(0, Math.BitDecrement(value));
}
