using System.Runtime.CompilerServices;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// Pinned doubles that begin at a cache line. An array's elements begin 16 bytes into one, and then every 64-byte load and store touches two lines.
/// Pinned also so that wiping a secret wipes its only copy.
/// </summary>
internal static unsafe class AlignedMemory
{
    /// <summary>The length of a cache line.</summary>
    public const int LineSizeBytes = 64;

    private const int DoublesInLine = LineSizeBytes / sizeof(double);

    /// <summary>Zeros.</summary>
    public static Memory<double> Allocate(int count)
    {
        var array = GC.AllocateArray<double>(count + DoublesInLine - 1, pinned: true);
        var beyond = (int)((nuint)Unsafe.AsPointer(ref array[0]) % LineSizeBytes) / sizeof(double);
        return array.AsMemory((DoublesInLine - beyond) % DoublesInLine, count);
    }

    /// <summary>A copy.</summary>
    public static ReadOnlyMemory<double> Copy(ReadOnlySpan<double> values)
    {
        var memory = Allocate(values.Length);
        values.CopyTo(memory.Span);
        return memory;
    }

    /// <summary>The first line boundary in a buffer that is one line longer than needed.</summary>
    public static double* Align(double* buffer) => (double*)(((nuint)buffer + LineSizeBytes - 1) & ~(nuint)(LineSizeBytes - 1));
}
