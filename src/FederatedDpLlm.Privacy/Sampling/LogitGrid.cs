using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>The public, fixed grid of 2^-24 nats on which logits are clipped and added: sums of integers do not depend on their order.</summary>
internal static class LogitGrid
{
    public const int Bits = 24;
    public const float Scale = 1 << Bits;

    /// <summary>Adds round(clip(voter - reference, -C, C)) to each sum, where C is <paramref name="clip"/> grid steps; NaN counts as -C.</summary>
    /// <param name="voter">One per candidate.</param>
    /// <param name="reference">As many.</param>
    /// <param name="sum">As many, in grid steps.</param>
    /// <param name="clip">Exactly representable as a float, below 2^31.</param>
    public static void AddClipped(ReadOnlySpan<float> voter, ReadOnlySpan<float> reference, Span<long> sum, int clip)
    {
        var i = 0;
        for (; i <= sum.Length - Vector128<float>.Count; i += Vector128<float>.Count)
        {
            var steps = Clipped(Vector128.Create(voter[i..]), Vector128.Create(reference[i..]), clip);
            var (low, high) = Vector128.Widen(steps);
            (Vector128.Create<long>(sum[i..]) + low).CopyTo(sum[i..]);
            (Vector128.Create<long>(sum[(i + 2)..]) + high).CopyTo(sum[(i + 2)..]);
        }

        for (; i < sum.Length; i++)
        {
            sum[i] += Clipped(Vector128.CreateScalar(voter[i]), Vector128.CreateScalar(reference[i]), clip)[0];
        }
    }

    // Scaling by a power of two is exact (or infinite, and then clipped); rounding is to nearest even; the clip comes last, so nothing leaves [-C, C].
    private static Vector128<int> Clipped(Vector128<float> voter, Vector128<float> reference, int clip)
    {
        var scaled = Vector128.Round((voter - reference) * Vector128.Create(Scale));
        var limit = Vector128.Create((float)clip);
        var inside = Vector128.Min(Vector128.Max(scaled, -limit), limit);
        return Vector128.ConvertToInt32(Vector128.ConditionalSelect(Vector128.Equals(scaled, scaled), inside, -limit));
    }
}
