using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Quantization;

/// <summary>
/// A hospital's side of a <see cref="QuantizationPlan"/>: clip, rotate, round at random, add this hospital's share of the noise. What comes out goes into
/// <see cref="AggregationClient.Upload"/>. The L2 bound is checked on the integers themselves, so that the sensitivity is a fact whatever the floating-point
/// steps before it did; a rounding that exceeds it is drawn again.
/// </summary>
public sealed class UpdateQuantizer
{
    private const int PieceLength = 8192;

    // Once in 22,000 updates a second try is needed; sixteen in a row never.
    private const int MostTries = 16;

    // The clip leaves this much room for the single precision of rotation and products.
    private const double Slack = 4e-6;

    private readonly QuantizationPlan _plan;
    private readonly HadamardRotation? _rotation;
    private readonly double _limitSquared;
    private readonly BatchGaussianSampler _noise;

    /// <param name="plan">The round's plan.</param>
    public UpdateQuantizer(QuantizationPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        _plan = plan;
        _rotation = plan.Target.RotationSeed.IsEmpty ? null : new HadamardRotation(plan.Target.RotationSeed.Span, plan.Target.Dimension);
        _noise = BatchGaussianSampler.AtLeast(plan.Sigma);
        _limitSquared = Math.Floor(plan.Bound * plan.Bound * (1 - 1e-15));
    }

    /// <summary>Quantises an update and adds the noise.</summary>
    /// <param name="update">As long as the plan's dimension.</param>
    /// <param name="values">As long; cleared where the update is refused.</param>
    /// <param name="random">The source of the rounding and of the noise.</param>
    /// <returns>Null, or <see cref="RefusalCode.NotFinite"/> where a value is not a finite number: such an update is a fault to be looked at, not to be summed.</returns>
    public Refusal? Quantize(ReadOnlySpan<float> update, Span<int> values, ISecureRandom random)
    {
        var refusal = Round(update, values, random);
        if (refusal is null)
        {
            AddNoise(values, random);
        }

        return refusal;
    }

    /// <summary>Everything but the noise.</summary>
    internal Refusal? Round(ReadOnlySpan<float> update, Span<int> values, ISecureRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(update.Length, _plan.Target.Dimension, nameof(update));
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, _plan.Target.Dimension, nameof(values));
        ArgumentNullException.ThrowIfNull(random);
        var norm = Math.Sqrt(SumOfSquares(update));
        if (!double.IsFinite(norm))
        {
            values.Clear();
            return new Refusal(RefusalCode.NotFinite);
        }

        var factor = Math.Min(1, _plan.Target.ClipNorm / norm) * (1 - Slack);
        if (_rotation is null)
        {
            RoundScaled(update, Math.ScaleB(factor, -_plan.StepExponent), values, random);
            return null;
        }

        // Scaled first: a sum of huge floats would overflow inside the rotation.
        var rotated = new float[update.Length];
        Scale(update, factor, rotated);
        _rotation.Apply(rotated);
        RoundScaled(rotated, Math.ScaleB(1.0, -_plan.StepExponent), values, random);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(rotated.AsSpan()));
        return null;
    }

    private void RoundScaled(ReadOnlySpan<float> update, double scale, Span<int> values, ISecureRandom random)
    {
        for (var attempt = 0; attempt < MostTries; attempt++)
        {
            if (RoundOnce(update, scale, values, random) <= _limitSquared)
            {
                return;
            }
        }

        values.Clear();
        throw new InvalidOperationException("Sixteen roundings in a row exceeded the bound, which has probability below 2^-200: the source of randomness is broken.");
    }

    private double RoundOnce(ReadOnlySpan<float> update, double scale, Span<int> values, ISecureRandom random)
    {
        Span<byte> key = stackalloc byte[CounterKeystream.KeySizeBytes];
        random.Fill(key);
        using var stream = new CounterKeystream(key);
        CryptographicOperations.ZeroMemory(key);
        var words = ArrayPool<uint>.Shared.Rent(PieceLength);
        var squares = 0.0;
        for (var start = 0; start < update.Length; start += PieceLength)
        {
            var length = Math.Min(PieceLength, update.Length - start);
            var uniform = words.AsSpan(0, length);
            uniform.Clear();
            stream.AddTo(uniform, (ulong)(start / CounterKeystream.LanesPerBlock));

            // Pieces are exact; their sum is rounded a hundred thousand times at most, which the limit's last digits do not see: it is rounded up.
            squares = Math.BitIncrement(squares + StochasticRounding.Round(update.Slice(start, length), scale, _plan.LargestValue, uniform, values.Slice(start, length)));
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(words.AsSpan()));
        ArrayPool<uint>.Shared.Return(words);
        return squares;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(ReadOnlySpan<float> update, double factor, Span<float> scaled)
    {
        for (var i = 0; i < scaled.Length; i++)
        {
            scaled[i] = (float)(update[i] * factor);
        }
    }

    private void AddNoise(Span<int> values, ISecureRandom random)
    {
        var (lowest, highest) = (-(1 << (_plan.Target.ValueBits - 1)), (1 << (_plan.Target.ValueBits - 1)) - 1);
        var noise = new int[Math.Min(PieceLength, values.Length)];
        for (var start = 0; start < values.Length; start += PieceLength)
        {
            var part = values[start..Math.Min(values.Length, start + PieceLength)];
            _noise.Fill(noise.AsSpan(0, part.Length), random);
            for (var i = 0; i < part.Length; i++)
            {
                // Out of range has probability 2^-40 for the whole round, which the plan adds to delta; a refusal would depend on the data.
                part[i] = Math.Clamp(part[i] + noise[i], lowest, highest);
            }
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(noise.AsSpan()));
    }

    // Not finite where any value is not: squares of floats do not overflow a double, and a NaN stays one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquares(ReadOnlySpan<float> vector)
    {
        var (sumLow, sumHigh) = (Vector512<double>.Zero, Vector512<double>.Zero);
        ref var from = ref MemoryMarshal.GetReference(vector);
        var i = 0;
        for (; i <= vector.Length - 16; i += 16)
        {
            var (low, high) = Vector512.Widen(Vector512.LoadUnsafe(ref from, (nuint)i));
            sumLow += low * low;
            sumHigh += high * high;
        }

        var sum = Vector512.Sum(sumLow + sumHigh);
        for (; i < vector.Length; i++)
        {
            sum += (double)vector[i] * vector[i];
        }

        return sum;
    }
}
