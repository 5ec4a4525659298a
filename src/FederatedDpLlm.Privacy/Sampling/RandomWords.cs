using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>64-bit words from a source, fetched in blocks into the caller's buffer and wiped as they are handed out; call <see cref="Wipe"/> at the end.</summary>
internal ref struct RandomWords
{
    private readonly ISecureRandom _source;
    private readonly Span<ulong> _buffer;
    private int _used;

    public RandomWords(ISecureRandom source, Span<ulong> buffer)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        _buffer = buffer;
        _used = buffer.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next()
    {
        if (_used == _buffer.Length)
        {
            Refill();
        }

        ref var word = ref _buffer[_used++];
        var next = word;
        word = 0;
        return next;
    }

    /// <summary>Uniform in [0, bound), exactly, by rejection; the bound is at least 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Below(ulong bound)
    {
        var shift = System.Numerics.BitOperations.LeadingZeroCount((bound - 1) | 1);
        while (true)
        {
            // The top bits; the low ones are as good but this needs no mask.
            var drawn = Next() >> shift;
            if (drawn < bound)
            {
                return drawn;
            }
        }
    }

    /// <summary>Uniform in [0, bound), exactly, by rejection; the bound is at least 1.</summary>
    public UInt128 Below(UInt128 bound)
    {
        if (bound <= ulong.MaxValue)
        {
            return Below((ulong)bound);
        }

        var shift = (int)UInt128.LeadingZeroCount(bound - 1);
        while (true)
        {
            var drawn = new UInt128(Next(), Next()) >> shift;
            if (drawn < bound)
            {
                return drawn;
            }
        }
    }

    public readonly void Wipe() => System.Security.Cryptography.CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_buffer));

    private void Refill()
    {
        _source.Fill(MemoryMarshal.AsBytes(_buffer));
        _used = 0;
    }
}
