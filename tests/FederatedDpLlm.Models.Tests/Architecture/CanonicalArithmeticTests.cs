using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FederatedDpLlm.Models.Kernels.MachineCode;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Architecture;

/// <summary>What keeps the arithmetic the same on every machine: banned symbols that stop a build, and kernels that do not change with the registers.</summary>
public sealed class CanonicalArithmeticTests
{
    private const string Asked = "FEDLLM_TEST_NARROW_REGISTERS";

    [Theory]
    [InlineData("float F(float[] a) => System.Numerics.Vector.Sum(new System.Numerics.Vector<float>(a));", true)]
    [InlineData("int F() => System.Numerics.Vector<float>.Count;", true)]
    [InlineData("float F(System.Runtime.Intrinsics.Vector512<float> a) => System.Runtime.Intrinsics.Vector512.Sum(a);", true)]
    [InlineData("float F(System.Runtime.Intrinsics.Vector256<float> a) => System.Runtime.Intrinsics.Vector256.Dot(a, a);", true)]
    [InlineData("System.Runtime.Intrinsics.Vector512<float> F(System.Runtime.Intrinsics.Vector512<float> a) => System.Runtime.Intrinsics.Vector512.MultiplyAddEstimate(a, a, a);", true)]
    [InlineData("System.Runtime.Intrinsics.Vector512<float> F(System.Runtime.Intrinsics.Vector512<float> a) => System.Runtime.Intrinsics.Vector512.FusedMultiplyAdd(a, a, a);", false)]
    public async Task A_reduction_whose_order_is_the_machines_does_not_compile_in_the_engine(string member, bool banned)
    {
        var output = await CompileAsync($"internal static class Probe {{ internal static {member} }}");
        Assert.Equal(banned, output.Contains("RS0030", StringComparison.Ordinal));
        Assert.DoesNotContain("CS0", output, StringComparison.Ordinal);
    }

    [Fact]
    public Task Kernels_give_the_bits_of_their_definition_on_machines_without_avx_512() => TestKernelsWithoutAsync("DOTNET_EnableAVX512");

    [Theory, Trait(TestLength.Name, TestLength.Ci), InlineData("DOTNET_EnableAVX2"), InlineData("DOTNET_EnableHWIntrinsic"), InlineData(Quantized8Tiles.Variable)]
    public Task Kernels_give_the_bits_of_their_definition_on_machines_with_still_less(string instructions) => TestKernelsWithoutAsync(instructions);

    [Fact]
    public void The_registers_are_as_narrow_as_a_run_asks_for()
    {
        if (Environment.GetEnvironmentVariable(Asked) is { } variable)
        {
            Assert.Null(Quantized8Tiles.Shared);
            Assert.Equal(variable == Quantized8Tiles.Variable && Avx512F.IsSupported, Vector512.IsHardwareAccelerated);
        }
    }

    // In a process whose runtime believes that the machine lacks the instructions, or which is told to do without code of our own.
    private static async Task TestKernelsWithoutAsync(string variable)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "FederatedDpLlm.Models.Tests.dll"), "--progress", "off", "--filter-method", "*Kernels.StoredTypeTests.*", "*Kernels.MatrixTests.*", "*Kernels.ModelBitsTests.*",
            $"*{nameof(The_registers_are_as_narrow_as_a_run_asks_for)}",
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment[variable] = "0";
        start.Environment[Asked] = variable;
        var (code, output) = await RunAsync(start);
        Assert.True(code == 0, output);
        Assert.Matches(@"succeeded: [1-9]\d", output);
    }

    private static async Task<string> CompileAsync(string source)
    {
        var sdk = Directory.EnumerateDirectories(Path.Combine(DotnetRoot(), "sdk")).Select(folder => Path.Combine(folder, "Roslyn", "bincore", "csc.dll")).LastOrDefault(File.Exists);
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var analyzers = Directory.Exists(Path.Combine(packages, "microsoft.codeanalysis.bannedapianalyzers"))
            ? Directory.EnumerateFiles(Path.Combine(packages, "microsoft.codeanalysis.bannedapianalyzers"), "*.dll", SearchOption.AllDirectories).Where(IsAnalyzer).ToList()
            : [];
        Assert.SkipWhen(sdk is null || analyzers.Count == 0, "needs the SDK's compiler and the banned-API analyzer of the build");
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var file = Path.Combine(folder.FullName, "Probe.cs");
            await File.WriteAllTextAsync(file, source);
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
            string[] arguments =
            [
                sdk!, "-nologo", "-t:library", $"-out:{Path.Combine(folder.FullName, "Probe.dll")}", "-warnaserror+:RS0030",
                .. analyzers.Select(analyzer => $"-analyzer:{analyzer}"),
                $"-additionalfile:{Repository.Path("BannedSymbols.txt")}",
                $"-additionalfile:{Repository.Path("src", "FederatedDpLlm.Models", "BannedSymbols.Arithmetic.txt")}",
                $"-r:{typeof(object).Assembly.Location}", $"-r:{Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "System.Runtime.dll")}",
                $"-r:{Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "System.Numerics.Vectors.dll")}",
                file,
            ];
            Array.ForEach(arguments, start.ArgumentList.Add);
            return (await RunAsync(start)).Output;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static bool IsAnalyzer(string path) =>
        path.Contains($"{Path.DirectorySeparatorChar}cs{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !path.EndsWith(".resources.dll", StringComparison.Ordinal);

    private static string DotnetRoot() => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));

    private static async Task<(int Code, string Output)> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }
}
