using System.Runtime.CompilerServices;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Floats at a fixed, 64-byte-aligned address for as long as the object lives. The memory belongs to the collector's pinned heap, so that nothing has
/// to be disposed; whoever passes <see cref="Pointer"/> on keeps the buffer reachable until the work is done.
/// </summary>
internal sealed unsafe class FloatBuffer
{
    private const int AlignmentBytes = 64;
    private readonly float[] _pinned;
    private readonly int _start;

    /// <summary>Zeros.</summary>
    public FloatBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _pinned = GC.AllocateArray<float>(length + AlignmentBytes / sizeof(float), pinned: true);
        var address = (nint)Unsafe.AsPointer(ref _pinned[0]);
        Pointer = (float*)((address + AlignmentBytes - 1) & ~(nint)(AlignmentBytes - 1));
        _start = (int)(Pointer - (float*)address);
    }

    public int Length { get; }

    public float* Pointer { get; }

    public Span<float> Span => _pinned.AsSpan(_start, Length);

    public Memory<float> Memory => _pinned.AsMemory(_start, Length);

    public static FloatBuffer CopyOf(ReadOnlySpan<float> values)
    {
        var buffer = new FloatBuffer(values.Length);
        values.CopyTo(buffer.Span);
        return buffer;
    }
}
