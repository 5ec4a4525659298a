using System.Numerics;
using System.Runtime.Intrinsics;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>How fast this machine reads memory: the sum of an array that no cache holds, one thread.</summary>
internal sealed class MemoryRead
{
    private readonly ulong[] _array = GC.AllocateUninitializedArray<ulong>(32 << 20);

    public MemoryRead() => Array.Fill(_array, 1UL);

    /// <summary>Bytes of the array.</summary>
    public long Bytes => 8L * _array.Length;

    /// <summary>Reads it once.</summary>
    public ulong Read()
    {
        var (a, b, c, d) = (Vector512<ulong>.Zero, Vector512<ulong>.Zero, Vector512<ulong>.Zero, Vector512<ulong>.Zero);
        ref var from = ref _array[0];
        for (nuint i = 0; i < (nuint)_array.Length; i += 32)
        {
            a += Vector512.LoadUnsafe(ref from, i);
            b += Vector512.LoadUnsafe(ref from, i + 8);
            c += Vector512.LoadUnsafe(ref from, i + 16);
            d += Vector512.LoadUnsafe(ref from, i + 24);
        }

        return Vector512.Sum(a + b + (c + d));
    }
}
