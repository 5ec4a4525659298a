using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Arithmetic modulo one prime on planes of N residues. Whatever comes out is centred; whatever goes in is an integer of absolute value at most p unless
/// said otherwise. No branch, index or instruction count depends on the values.
/// </summary>
internal abstract class RingArithmetic
{
    /// <summary>The widest that this processor has.</summary>
    public static RingArithmetic Fastest { get; } = Supported(LaneWidth.Eight) ?? Supported(LaneWidth.Four) ?? Supported(LaneWidth.One)!;

    /// <summary>The arithmetic of a given width; null where the processor lacks it.</summary>
    public static RingArithmetic? Supported(LaneWidth width) => width switch
    {
        LaneWidth.Eight => Avx512F.IsSupported ? new RingArithmetic<EightLanes, Vector512<double>>() : null,
        LaneWidth.Four => Avx2.IsSupported && Fma.IsSupported ? new RingArithmetic<FourLanes, Vector256<double>>() : null,
        _ => new RingArithmetic<OneLane, double>(),
    };

    /// <summary>Coefficients become values at the odd powers of the root, in the order of <see cref="Ring.ExponentAt"/>.</summary>
    public abstract void Transform(Span<double> plane, RingModulus modulus);

    /// <summary>Values become coefficients again; values are centred.</summary>
    public abstract void InverseTransform(Span<double> plane, RingModulus modulus);

    /// <summary>sum + left * right; sum and right centred.</summary>
    public abstract void MultiplyAdd(Span<double> sum, ReadOnlySpan<double> left, ReadOnlySpan<double> right, RingModulus modulus);

    /// <summary>sum + left * factor; sum and factor centred.</summary>
    public abstract void MultiplyAdd(Span<double> sum, ReadOnlySpan<double> left, double factor, RingModulus modulus);

    /// <summary>(left - right) * factor; all centred (left and right possibly of other primes, which are nearly as large).</summary>
    public abstract void ScaledDifference(Span<double> result, ReadOnlySpan<double> left, ReadOnlySpan<double> right, double factor, RingModulus modulus);

    /// <summary>limb0 * factor0 + ... + limb3 * factor3; limbs of absolute value at most 2^50, factors centred; any length that is a multiple of 8.</summary>
    public abstract void Combine(Span<double> result, LimbPlanes limbs, ReadOnlySpan<double> factors, RingModulus modulus);
}
