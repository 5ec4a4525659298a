using System.Globalization;
using System.Runtime.Intrinsics.X86;
using FederatedDpLlm.Models.Kernels.MachineCode;

namespace FederatedDpLlm.Models.Tests.Kernels.MachineCode;

/// <summary>Where our own code lies, and when it is used at all.</summary>
public sealed unsafe class CodePagesTests
{
    [Fact]
    public void Code_runs_from_pages_that_nobody_can_write()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && X86Base.X64.IsSupported, "needs Linux on x86-64");
        var assembler = new Assembler();
        assembler.Mov(Gpr.Rax, 42);
        assembler.Ret();
        var code = ExecutablePages.Hold(assembler.Code);

        Assert.Equal(42, ((delegate* unmanaged<int>)code)());
        Assert.Equal("r-xp", RightsAt((nint)code));
    }

    [Fact]
    public void A_processor_that_tells_linux_of_vnni_gets_the_kernels_written_for_it()
    {
        Assert.SkipUnless(File.Exists("/proc/cpuinfo") && File.ReadAllText("/proc/cpuinfo").Contains("avx512_vnni", StringComparison.Ordinal), "needs a processor with AVX512-VNNI");
        Assert.SkipWhen(!Avx512F.IsSupported || Environment.GetEnvironmentVariable(Quantized8Tiles.Variable) == "0", "was told to do without");
        Assert.NotNull(Quantized8Tiles.Shared);
    }

    // A line of /proc/self/maps: first-last rights offset device ...
    private static string? RightsAt(nint address) =>
        File.ReadLines("/proc/self/maps").Select(line => line.Split(' ')).FirstOrDefault(part => Holds(part[0].Split('-'), address))?[1];

    private static bool Holds(string[] range, nint address) => Parse(range[0]) <= address && address < Parse(range[1]);

    // The kernel's own page, at the end of all addresses, is no nint: it wraps, and holds nothing of ours.
    private static nint Parse(string hexadecimal) => unchecked((nint)ulong.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
