using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// The sum of e^(value - shift) in double, by which logits become probabilities: sixteen lanes, element i in lane i mod 16 in index order, then a fixed binary tree,
/// as <see cref="LaneSum"/>. A step of many streams takes one of these for each, over a whole vocabulary.
/// </summary>
internal static unsafe class ExpSum
{
    private const int Lanes = 16;

    // Cody and Waite's reduction; of ln 2 the first part has 33 bits, so that its products with an exponent are exact.
    private const double Log2E = 1.44269504088896340736;
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;

    // Where a double has its exponent.
    private const int FractionBits = 52;
    private const int ExponentBias = 1023;

    // e^-708 is the smallest power that is a normal number: beside the largest value's 1 it is nothing.
    private const double SmallestArgument = -708;

    /// <param name="values">Of any length; minus infinity adds nothing.</param>
    /// <param name="shift">The largest of them.</param>
    public static double Of(ReadOnlySpan<float> values, float shift)
    {
        unchecked
        {
            var (even, odd) = (Vector512<double>.Zero, Vector512<double>.Zero);
            for (; values.Length >= Lanes; values = values[Lanes..])
            {
                Add(Vector512.Create(values), shift, ref even, ref odd);
            }

            if (values.Length > 0)
            {
                Span<float> padded = stackalloc float[Lanes];
                padded.Fill(float.NegativeInfinity);
                values.CopyTo(padded);
                Add(Vector512.Create<float>(padded), shift, ref even, ref odd);
            }

            return Tree(even + odd);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector512<float> values, double shift, ref Vector512<double> lower, ref Vector512<double> upper)
    {
        var (low, high) = Vector512.Widen(values);
        lower += Exp(low - Vector512.Create(shift));
        upper += Exp(high - Vector512.Create(shift));
    }

    // Taylor's series up to r^13 / 13!: |r| is at most ln(2) / 2, where the next term is below 1e-17.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Exp(Vector512<double> x)
    {
        x = Vector512.Max(x, Vector512.Create(SmallestArgument));
        var n = Vector512.Round(x * Log2E);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);
        var p = Vector512.Create(1.0 / 6227020800);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 479001600));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 39916800));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 3628800));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 362880));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 40320));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 5040));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 720));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 120));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 24));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.0 / 6));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(0.5));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<double>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<double>.One);
        var exponent = Vector512.ConvertToInt64Native(n) + Vector512.Create((long)ExponentBias);
        return p * Vector512.ShiftLeft(exponent, FractionBits).AsDouble();
    }

    private static double Tree(Vector512<double> lanes)
    {
        var four = lanes.GetLower() + lanes.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two.GetElement(0) + two.GetElement(1);
    }
}
