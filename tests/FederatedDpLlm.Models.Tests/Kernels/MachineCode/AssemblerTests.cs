using System.Diagnostics;
using System.Text.RegularExpressions;
using FederatedDpLlm.Models.Kernels.MachineCode;

namespace FederatedDpLlm.Models.Tests.Kernels.MachineCode;

/// <summary>Every instruction that the kernels are made of, with low and high registers, short and long displacements.</summary>
public sealed partial class AssemblerTests
{
    private static readonly (string Text, string Bytes, Action<Assembler> Write)[] Instructions =
    [
        ("vpdpbusd zmm2,zmm17,zmm31", "6292754050d7", to => to.Vpdpbusd(Z(2), Z(17), Z(31))),
        ("vpdpbusd zmm30,zmm1,zmm8", "6242754850f0", to => to.Vpdpbusd(Z(30), Z(1), Z(8))),
        ("vpbroadcastd zmm26,DWORD PTR [rsi+rdx*2+0x24]", "62627d4858545609", to => to.Vpbroadcastd(Z(26), new Memory(Gpr.Rsi, 0x24, Gpr.Rdx, 2))),
        ("vpbroadcastd zmm3,DWORD PTR [rax+r10*1+0x2]", "62b27d48589c1002000000", to => to.Vpbroadcastd(Z(3), new Memory(Gpr.Rax, 2, Gpr.R10))),
        ("vpbroadcastd zmm29,eax", "62627d487ce8", to => to.Vpbroadcastd(Z(29), Gpr.Rax)),
        ("vpbroadcastd zmm9,r11d", "62527d487ccb", to => to.Vpbroadcastd(Z(9), Gpr.R11)),
        ("vpaddd zmm20,zmm3,zmm14", "62c16548fee6", to => to.Vpaddd(Z(20), Z(3), Z(14))),
        ("vpxord zmm24,zmm29,ZMMWORD PTR [rdi+0x40]", "62611540ef4701", to => to.Vpxord(Z(24), Z(29), new Memory(Gpr.Rdi, 0x40))),
        ("vpxord zmm15,zmm16,ZMMWORD PTR [r9+0x44]", "62517d40efb944000000", to => to.Vpxord(Z(15), Z(16), new Memory(Gpr.R9, 0x44))),
        ("vpxord zmm12,zmm12,zmm12", "62511d48efe4", to => to.Vpxord(Z(12), Z(12), Z(12))),
        ("vpandd zmm27,zmm28,zmm30", "62011d40dbde", to => to.Vpandd(Z(27), Z(28), Z(30))),
        ("vpslld zmm27,ZMMWORD PTR [rdi+0x0],0x10", "62f1254072770010", to => to.Vpslld(Z(27), new Memory(Gpr.Rdi), 16)),
        ("vpsrad zmm28,ZMMWORD PTR [rdi-0x2000],0x3", "62f11d4072678003", to => to.Vpsrad(Z(28), new Memory(Gpr.Rdi, -0x2000), 3)),
        ("vpsrad zmm5,zmm27,0x3", "6291554872e303", to => to.Vpsrad(Z(5), Z(27), 3)),
        ("vcvtdq2ps zmm11,zmm21", "62317c485bdd", to => to.Vcvtdq2ps(Z(11), Z(21))),
        ("vmulps zmm27,zmm7,zmm31", "6201444859df", to => to.Vmulps(Z(27), Z(7), Z(31))),
        ("vmulps zmm26,zmm27,DWORD BCST [rax+rdx*1+0x20]", "6261245059541008", to => to.VmulpsBroadcast(Z(26), Z(27), new Memory(Gpr.Rax, 0x20, Gpr.Rdx))),
        ("vfmadd231ps zmm23,zmm11,zmm26", "62822548b8fa", to => to.Vfmadd231ps(Z(23), Z(11), Z(26))),
        ("vmovups ZMMWORD PTR [r9+r10*1+0x40],zmm19", "62817c48115c1101", to => to.Vmovups(new Memory(Gpr.R9, 0x40, Gpr.R10), Z(19))),
        ("vzeroupper", "c5f877", to => to.Vzeroupper()),
        ("prefetcht0 BYTE PTR [rdi+r8*1+0x400]", "420f188c0700040000", to => to.Prefetcht0(new Memory(Gpr.Rdi, 0x400, Gpr.R8))),
        ("prefetcht0 BYTE PTR [rdi+0x7f]", "0f184f7f", to => to.Prefetcht0(new Memory(Gpr.Rdi, 0x7F))),
        ("vmovups ZMMWORD PTR [rsp+0x1040],zmm5", "62f17c48116c2441", to => to.Vmovups(new Memory(Gpr.Rsp, 0x1040), Z(5))),
        ("lea rax,[rsi+rdx*4+0x0]", "488d449600", to => to.Lea(Gpr.Rax, new Memory(Gpr.Rsi, 0, Gpr.Rdx, 4))),
        ("lea r10,[rdx+rdx*2+0x0]", "4c8d545200", to => to.Lea(Gpr.R10, new Memory(Gpr.Rdx, 0, Gpr.Rdx, 2))),
        ("mov rdx,QWORD PTR [rsp+0x8]", "488b542408", to => to.Mov(Gpr.Rdx, new Memory(Gpr.Rsp, 8))),
        ("mov eax,0x80808080", "b880808080", to => to.Mov(Gpr.Rax, 0x80808080)),
        ("add rdi,0x440", "4881c740040000", to => to.Add(Gpr.Rdi, 0x440)),
        ("add r9,0xffffffffffffffd8", "4981c1d8ffffff", to => to.Add(Gpr.R9, -0x28)),
        ("dec rcx", "48ffc9", to => to.Dec(Gpr.Rcx)),
        ("dec r11", "49ffcb", to => to.Dec(Gpr.R11)),
        ("jne 0x0", "0f85faffffff", to => to.Jnz(0)),
        ("ret", "c3", to => to.Ret()),
    ];

    [Fact]
    public void Every_instruction_has_the_bytes_that_objdump_was_seen_to_read()
    {
        // A jump's bytes depend on where it stands: each stands alone.
        foreach (var (_, bytes, write) in Instructions)
        {
            var assembler = new Assembler();
            write(assembler);
            Assert.Equal(bytes, Convert.ToHexStringLower(assembler.Code));
        }
    }

    [Fact]
    public async Task Objdump_reads_what_the_assembler_was_told_to_write()
    {
        Assert.SkipWhen(!File.Exists("/usr/bin/objdump"), "needs objdump, of Debian's binutils");
        var (assembler, file) = (new Assembler(), Path.GetTempFileName());
        foreach (var (_, _, write) in Instructions)
        {
            write(assembler);
        }

        try
        {
            await File.WriteAllBytesAsync(file, assembler.Code.ToArray(), TestContext.Current.CancellationToken);
            var start = new ProcessStartInfo("/usr/bin/objdump", ["-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", file]) { RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(Instructions.Select(one => one.Text), Line().Matches(output).Select(match => Spaces().Replace(match.Groups[1].Value.Trim(), " ")));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Zmm Z(int number) => new(number);

    [GeneratedRegex(@"^\s+[0-9a-f]+:\t(.*)$", RegexOptions.Multiline)]
    private static partial Regex Line();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
