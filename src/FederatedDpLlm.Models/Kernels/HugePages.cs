using System.Runtime.InteropServices;

namespace FederatedDpLlm.Models.Kernels;

/// <summary>
/// Asks the kernel to put large buffers on pages of 2 MiB: decoding reads every weight once a token, and on pages of 4 KiB it waits for address translations nearly
/// as long as for the bytes. A wish, no more: where the system does not grant it, nothing is different but the speed.
/// </summary>
internal static unsafe partial class HugePages
{
    private const nint PageBytes = 2 << 20;

    // Smaller buffers are not worth a call.
    private const nint SmallestBytes = 256 << 10;

    // MADV_COLLAPSE of Linux's mman-common.h: at once, with a copy of what is there (since Linux 6.1).
    private const int Collapse = 25;

    /// <summary>For memory that is written and will be read often. Whole pages around it are asked for: its neighbours are buffers of the same heap.</summary>
    public static void AskFor(void* address, nint bytes)
    {
        if (bytes < SmallestBytes || !OperatingSystem.IsLinux())
        {
            return;
        }

        // One by one: an odd page at the heap's edge is refused, and must not keep the others from it.
        for (var page = (nint)address & -PageBytes; page < (nint)address + bytes; page += PageBytes)
        {
            _ = Advise(page, PageBytes, Collapse);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nint bytes, int advice);
}
