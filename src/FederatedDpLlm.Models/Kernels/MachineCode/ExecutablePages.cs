using System.Runtime.InteropServices;

namespace FederatedDpLlm.Models.Kernels.MachineCode;

/// <summary>Puts code where the processor may run it: pages that are written first and made executable then, never both at once. They stay as long as the process.</summary>
internal static unsafe partial class ExecutablePages
{
    // Linux, mman-common.h and mman.h.
    private const int Read = 1;
    private const int Write = 2;
    private const int Execute = 4;
    private const int Private = 2;
    private const int Anonymous = 0x20;
    private const nint Failed = -1;

    /// <returns>The code's address; null where the system refuses, as hardened ones may.</returns>
    public static byte* Hold(ReadOnlySpan<byte> code)
    {
        var pages = Map(0, code.Length, Read | Write, Private | Anonymous, -1, 0);
        if (pages == Failed)
        {
            return null;
        }

        code.CopyTo(new Span<byte>((byte*)pages, code.Length));
        if (Protect(pages, code.Length, Read | Execute) == 0)
        {
            return (byte*)pages;
        }

        _ = Unmap(pages, code.Length);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nint bytes);
}
