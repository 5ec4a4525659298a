namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>A float64 that remembers its operands: the slow and obvious backward pass, by the chain rule from the last result to the first.</summary>
internal sealed class Taped : IReal<Taped>
{
    [ThreadStatic]
    private static List<Taped>? s_tape;

    private readonly Taped? _left;
    private readonly Taped? _right;
    private readonly double _leftSlope;
    private readonly double _rightSlope;

    private Taped(double value, Taped? left = null, double leftSlope = 0, Taped? right = null, double rightSlope = 0)
    {
        (Value, _left, _leftSlope, _right, _rightSlope) = (value, left, leftSlope, right, rightSlope);
        s_tape?.Add(this);
    }

    public double Value { get; }

    /// <summary>The derivative of the result of <see cref="Differentiate"/> by this number.</summary>
    public double Slope { get; private set; }

    /// <summary>Computes, and gives every number that took part its derivative.</summary>
    public static double Differentiate(Func<Taped> compute)
    {
        s_tape = [];
        var result = compute();
        result.Slope = 1;
        for (var i = s_tape.Count - 1; i >= 0; i--)
        {
            var at = s_tape[i];
            if (at._left is { } left)
            {
                left.Slope += at.Slope * at._leftSlope;
            }

            if (at._right is { } right)
            {
                right.Slope += at.Slope * at._rightSlope;
            }
        }

        s_tape = null;
        return result.Value;
    }

    public static Taped Of(double value) => new(value);

    public static Taped operator +(Taped a, Taped b) => new(a.Value + b.Value, a, 1, b, 1);

    public static Taped operator -(Taped a, Taped b) => new(a.Value - b.Value, a, 1, b, -1);

    public static Taped operator *(Taped a, Taped b) => new(a.Value * b.Value, a, b.Value, b, a.Value);

    public static Taped operator /(Taped a, Taped b) => new(a.Value / b.Value, a, 1 / b.Value, b, -a.Value / (b.Value * b.Value));

    public static Taped Exp(Taped x) => new(Math.Exp(x.Value), x, Math.Exp(x.Value));

    public static Taped Log(Taped x) => new(Math.Log(x.Value), x, 1 / x.Value);

    public static Taped Sqrt(Taped x) => new(Math.Sqrt(x.Value), x, 0.5 / Math.Sqrt(x.Value));
}
