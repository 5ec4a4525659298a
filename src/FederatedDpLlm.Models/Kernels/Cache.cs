using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>Hints to the memory; they change no result, and an address outside of memory is ignored.</summary>
internal static unsafe class Cache
{
    /// <summary>Begins to load a line that will be read soon: the hardware's own guesses end at every page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }
}
