using System.Runtime.Intrinsics.X86;

namespace FederatedDpLlm.Models.Kernels.MachineCode;

/// <summary>
/// Kernels of our own code for an instruction that .NET has no name for: AVX512-VNNI's vpdpbusd does a Q8_0 product's two multiplications and one addition in one.
/// Everything else is left as it is: where it is not at hand, <see cref="Quantized8Matrix"/> computes the same bits without.
/// </summary>
internal sealed unsafe class Quantized8Tiles
{
    /// <summary>Switches them off where "false" (AppContext, also in runtimeconfig.json).</summary>
    public const string Switch = "FederatedDpLlm.MachineCode";

    /// <summary>Switches them off where "0" (environment).</summary>
    public const string Variable = "FEDLLM_MACHINE_CODE";

    private const int FeatureLeaf = 7;
    private const int Avx512Vnni = 1 << 11; // of ECX
    private readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nint, nint, nint, float*, nint, void>[] _functions;

    private Quantized8Tiles(byte* code, int[] starts)
    {
        _functions = new delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nint, nint, nint, float*, nint, void>[starts.Length];
        for (var i = 0; i < starts.Length; i++)
        {
            _functions[i] = (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nint, nint, nint, float*, nint, void>)(code + starts[i]);
        }
    }

    /// <summary>Null where the processor or the system does not have what it takes, or somebody switched it off.</summary>
    public static Quantized8Tiles? Shared { get; } = IsWanted && IsPossible ? Make() : null;

    private static bool IsWanted =>
        (!AppContext.TryGetSwitch(Switch, out var on) || on) && Environment.GetEnvironmentVariable(Variable) != "0";

    // That the system keeps 512-bit registers for us is what .NET asked before it says that AVX-512 is supported.
    private static bool IsPossible =>
        OperatingSystem.IsLinux() && Avx512F.X64.IsSupported && Avx512BW.IsSupported && (X86Base.CpuId(FeatureLeaf, 0).Ecx & Avx512Vnni) != 0;

    /// <summary>The 32 sums of a panel over some blocks, for some rows.</summary>
    /// <param name="rows">1 to <see cref="Quantized8Code.MostRows"/>.</param>
    /// <param name="inputs">As <see cref="QuantizedInputs.ToBlocks"/> leaves them, from the first block on.</param>
    /// <param name="inputRow">Bytes from a row to the next.</param>
    /// <param name="weights">The panel from the first block on.</param>
    /// <param name="blocks">At least 1.</param>
    /// <param name="ahead">Bytes from a weight to one that will be wanted soon.</param>
    /// <param name="outputs">32 floats a row.</param>
    /// <param name="outputRow">Bytes from a row to the next.</param>
    public void Multiply(int rows, byte* inputs, nint inputRow, byte* weights, int blocks, nint ahead, float* outputs, nint outputRow) =>
        _functions[rows - 1](weights, inputs, inputRow, blocks, ahead, outputs, outputRow);

    private static Quantized8Tiles? Make()
    {
        var (assembler, starts) = (new Assembler(), new int[Quantized8Code.MostRows]);
        for (var rows = 1; rows <= starts.Length; rows++)
        {
            starts[rows - 1] = assembler.Position;
            Quantized8Code.Write(assembler, rows);
        }

        var code = ExecutablePages.Hold(assembler.Code);
        return code is null ? null : new Quantized8Tiles(code, starts);
    }
}
