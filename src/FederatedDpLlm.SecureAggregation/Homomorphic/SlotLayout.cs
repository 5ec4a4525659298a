using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// How values share a coefficient: slots of as many bits as a value of the sum has, so that no sum reaches into its neighbour; T = 2^MessageBits is what all
/// slots together take. A signed value travels with half its range added; the sum is rid of one half for each survivor.
/// Parameters: at most 182 bits a coefficient, as 7 slots of 26 bits for 16-bit values of 1,024 clients; 57,344 values an element then.
/// The constructor proves that decryption cannot fail: T (n E + 1) is at most q/2 for the largest error E there is, with n clients.
/// </summary>
internal sealed class SlotLayout
{
    /// <summary>The most bits of a coefficient that values take.</summary>
    public const int MostMessageBits = 182;

    /// <summary>Coefficients that are worked on at a time, small enough for the first-level cache.</summary>
    public const int Piece = 64;

    private const int TopLimb = LimbPlanes.Limbs - 1;

    /// <param name="valueBits">The width of one signed value.</param>
    /// <param name="clients">How many clients may add up.</param>
    public SlotLayout(int valueBits, int clients)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(valueBits, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(clients, 1);
        ValueBits = valueBits;
        SlotBits = valueBits + (32 - BitOperations.LeadingZeroCount((uint)clients - 1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SlotBits, 31, nameof(valueBits));
        Slots = MostMessageBits / SlotBits;
        MessageBits = Slots * SlotBits;

        // The message fills the three lower limbs, and with the error above it stays below 2^50 in the fourth.
        var worst = (BigInteger.One << MessageBits) * ((clients * (long)GaussianNoise.Largest) + 1);
        if (2 * worst >= Ring.Modulus || MessageBits < TopLimb * LimbPlanes.LimbBits)
        {
            throw new ArgumentException("So many clients with such values could not be decrypted with certainty.", nameof(clients));
        }
    }

    /// <summary>The width of one signed value.</summary>
    public int ValueBits { get; }

    /// <summary>The width of a slot.</summary>
    public int SlotBits { get; }

    /// <summary>Values in a coefficient.</summary>
    public int Slots { get; }

    /// <summary>log2 T.</summary>
    public int MessageBits { get; }

    /// <summary>Values in one ring element.</summary>
    public int ValuesPerElement => Slots * Ring.Degree;

    /// <summary>Elements that hold a vector.</summary>
    public int ElementsFor(int length) => (int)(((long)length + ValuesPerElement - 1) / ValuesPerElement);

    /// <summary>
    /// The limbs of T * noise + message for <see cref="Piece"/> coefficients. Value j * N + i is in slot j of coefficient i.
    /// </summary>
    /// <param name="values">The values of one element.</param>
    /// <param name="first">The first coefficient.</param>
    /// <param name="noise">The errors of these coefficients.</param>
    /// <param name="limbs">Four planes of <see cref="Piece"/> limbs; filled.</param>
    /// <returns>Whether every value is in its range.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Pack(ReadOnlySpan<int> values, int first, ReadOnlySpan<long> noise, Span<long> limbs)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, ValuesPerElement);
        ArgumentOutOfRangeException.ThrowIfNotEqual(limbs.Length, LimbPlanes.Limbs * Piece);
        limbs.Clear();
        ref var to = ref MemoryMarshal.GetReference(limbs);
        var half = Vector512.Create(1u << (ValueBits - 1));
        var outside = Vector512<uint>.Zero;
        var mask = Vector512.Create((1UL << LimbPlanes.LimbBits) - 1);
        for (var slot = 0; slot < Slots; slot++)
        {
            var (limb, shift) = Math.DivRem(slot * SlotBits, LimbPlanes.LimbBits);
            var straddles = shift + SlotBits > LimbPlanes.LimbBits;
            var from = MemoryMarshal.Cast<int, uint>(values.Slice((slot * Ring.Degree) + first, Piece));
            for (var i = 0; i < Piece; i += 16)
            {
                var shifted = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(from), (nuint)i) + half;
                outside |= shifted;
                var (low, high) = Vector512.Widen(shifted);
                Or(ref to, (limb * Piece) + i, (low << shift) & mask, (high << shift) & mask);
                if (straddles)
                {
                    Or(ref to, ((limb + 1) * Piece) + i, low >>> (LimbPlanes.LimbBits - shift), high >>> (LimbPlanes.LimbBits - shift));
                }
            }
        }

        var noiseShift = MessageBits - (TopLimb * LimbPlanes.LimbBits);
        for (var i = 0; i < Piece; i += 8)
        {
            var top = Vector512.LoadUnsafe(ref to, (nuint)(TopLimb * Piece) + (nuint)i);
            (top + (Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(noise), (nuint)i) << noiseShift)).StoreUnsafe(ref to, (nuint)(TopLimb * Piece) + (nuint)i);
        }

        return (outside >>> ValueBits) == Vector512<uint>.Zero;
    }

    /// <summary>Takes the sums out of one coefficient's message.</summary>
    /// <param name="low">The message's lower 64 bits.</param>
    /// <param name="middle">The next 64 bits.</param>
    /// <param name="high">The rest, with the error above bit <see cref="MessageBits"/>.</param>
    /// <param name="survivors">How many updates the sum is made of.</param>
    /// <param name="coefficient">Which coefficient.</param>
    /// <param name="values">The values of one element; those of this coefficient are filled.</param>
    public void Unpack(ulong low, ulong middle, ulong high, int survivors, int coefficient, Span<int> values)
    {
        var (offset, mask) = ((long)survivors << (ValueBits - 1), (1UL << SlotBits) - 1);
        for (var slot = 0; slot < Slots; slot++)
        {
            values[(slot * Ring.Degree) + coefficient] = (int)((long)(low & mask) - offset);
            low = (low >> SlotBits) | (middle << (64 - SlotBits));
            middle = (middle >> SlotBits) | (high << (64 - SlotBits));
            high >>= SlotBits;
        }
    }

    private static void Or(ref long to, int at, Vector512<ulong> low, Vector512<ulong> high)
    {
        (Vector512.LoadUnsafe(ref to, (nuint)at) | low.AsInt64()).StoreUnsafe(ref to, (nuint)at);
        (Vector512.LoadUnsafe(ref to, (nuint)at + 8) | high.AsInt64()).StoreUnsafe(ref to, (nuint)at + 8);
    }
}
