namespace FederatedDpLlm.Models.Kernels.MachineCode;

/// <summary>
/// The function that multiplies up to six rows of inputs with a panel of <see cref="Quantized8Matrix"/>:
/// (weights, inputs, bytes from a row of inputs to the next, blocks, prefetch distance, outputs, bytes from a row of outputs to the next).
/// </summary>
/// <remarks>
/// vpdpbusd wants one factor without a sign: a weight with its highest bit flipped is the weight + 128, and what that adds to a block's sum, 128 times the inputs'
/// sum, is in the number that the sum begins with (<see cref="QuantizedInputs.ToBlocks"/>). Sums of integers are exact; the floats go through the same steps in the
/// same order as those of the managed kernel.
/// </remarks>
internal sealed class Quantized8Code
{
    /// <summary>Rows of a tile at most: two vectors of integers and two of floats a row leave eight registers.</summary>
    public const int MostRows = 6;

    private const int Quads = QuantizedInputs.Block / 4;
    private const int VectorBytes = 64;
    private const int QuadBytes = 2 * VectorBytes;
    private const int BlockBytes = PanelScales.Bytes + Quads * QuadBytes;

    private const Gpr Weights = Gpr.Rdi;
    private const Gpr Inputs = Gpr.Rsi;
    private const Gpr Row = Gpr.Rdx;
    private const Gpr Blocks = Gpr.Rcx;
    private const Gpr Ahead = Gpr.R8;
    private const Gpr Outputs = Gpr.R9;
    private const Gpr FourRowsOn = Gpr.Rax;
    private const Gpr ThreeRows = Gpr.R10;

    // The seventh argument lies above the return address.
    private static readonly Memory OutputRow = new(Gpr.Rsp, 8);

    private static readonly Zmm Low = new(24);
    private static readonly Zmm High = new(25);
    private static readonly Zmm Input = new(26);
    private static readonly Zmm LowScales = new(27);
    private static readonly Zmm HighScales = new(28);
    private static readonly Zmm HighestBits = new(29);
    private static readonly Zmm SignAndMagnitude = new(30);
    private static readonly Zmm BiasFactor = new(31);

    private readonly Assembler _to;
    private readonly int _rows;

    private Quantized8Code(Assembler to, int rows) => (_to, _rows) = (to, rows);

    // One row's two sums would wait for themselves, and the loads of what comes next behind them: its quads take turns with the registers that other rows would have.
    private int Parts => _rows == 1 ? 4 : 1;

    /// <summary>Writes the function for <paramref name="rows"/> rows.</summary>
    public static void Write(Assembler to, int rows) => new Quantized8Code(to, rows).Function();

    private void Function()
    {
        Enter();
        var loop = _to.Position;
        WidenScales();
        BeginIntegers();
        for (var quad = 0; quad < Quads; quad++)
        {
            MultiplyQuad(PanelScales.Bytes + quad * QuadBytes, quad * 4, quad % Parts);
        }

        AddParts();
        LengthenChains();
        _to.Add(Weights, BlockBytes);
        _to.Add(Inputs, QuantizedInputs.BlockBytes);
        _to.Add(FourRowsOn, QuantizedInputs.BlockBytes);
        _to.Dec(Blocks);
        _to.Jnz(loop);
        Leave();
    }

    private void Enter()
    {
        Constant(HighestBits, 0x80808080);
        Constant(SignAndMagnitude, unchecked((uint)PanelScales.SignAndMagnitude));
        Constant(BiasFactor, BitConverter.SingleToUInt32Bits(PanelScales.BiasFactor));
        RowsFrom(Inputs);
        ForEachSum((row, half) => _to.Vpxord(Chain(row, half), Chain(row, half), Chain(row, half)));
    }

    // As PanelScales.Low and High.
    private void WidenScales()
    {
        _to.Vpslld(LowScales, new Memory(Weights), 16);
        _to.Vpsrad(LowScales, LowScales, 3);
        _to.Vpsrad(HighScales, new Memory(Weights), 3);
        foreach (var scales in new[] { LowScales, HighScales })
        {
            _to.Vpandd(scales, scales, SignAndMagnitude);
            _to.Vmulps(scales, scales, BiasFactor);
        }
    }

    private void BeginIntegers()
    {
        ForEachSum((row, half) => _to.Vpbroadcastd(Integers(row, half), At(Inputs, row, QuantizedInputs.OffsetPlace)));
        for (var part = 1; part < Parts; part++)
        {
            _to.Vpxord(Integers(part, 0), Integers(part, 0), Integers(part, 0));
            _to.Vpxord(Integers(part, 1), Integers(part, 1), Integers(part, 1));
        }
    }

    private void MultiplyQuad(int weights, int inputs, int part)
    {
        // One row is done with the weights sooner than they come: there the hardware's own guesses are better.
        if (_rows > 1)
        {
            _to.Prefetcht0(new Memory(Weights, weights, Ahead));
            _to.Prefetcht0(new Memory(Weights, weights + VectorBytes, Ahead));
        }

        _to.Vpxord(Low, HighestBits, new Memory(Weights, weights));
        _to.Vpxord(High, HighestBits, new Memory(Weights, weights + VectorBytes));
        for (var row = 0; row < _rows; row++)
        {
            _to.Vpbroadcastd(Input, At(Inputs, row, inputs));
            _to.Vpdpbusd(Integers(row + part, 0), Low, Input);
            _to.Vpdpbusd(Integers(row + part, 1), High, Input);
        }
    }

    private void AddParts()
    {
        for (var part = 1; part < Parts; part++)
        {
            _to.Vpaddd(Integers(0, 0), Integers(0, 0), Integers(part, 0));
            _to.Vpaddd(Integers(0, 1), Integers(0, 1), Integers(part, 1));
        }
    }

    // chain = fma((float)integers, weightScale * inputScale, chain)
    private void LengthenChains() => ForEachSum((row, half) =>
    {
        var scale = Input;
        _to.VmulpsBroadcast(scale, half == 0 ? LowScales : HighScales, At(Inputs, row, QuantizedInputs.ScalePlace));
        _to.Vcvtdq2ps(Integers(row, half), Integers(row, half));
        _to.Vfmadd231ps(Chain(row, half), Integers(row, half), scale);
    });

    private void Leave()
    {
        _to.Mov(Row, OutputRow);
        RowsFrom(Outputs);
        ForEachSum((row, half) => _to.Vmovups(At(Outputs, row, half * VectorBytes), Chain(row, half)));
        _to.Vzeroupper();
        _to.Ret();
    }

    private void ForEachSum(Action<int, int> write)
    {
        for (var sum = 0; sum < 2 * _rows; sum++)
        {
            write(sum / 2, sum % 2);
        }
    }

    private void Constant(Zmm lanes, uint value)
    {
        _to.Mov(Gpr.Rax, value);
        _to.Vpbroadcastd(lanes, Gpr.Rax);
    }

    private void RowsFrom(Gpr first)
    {
        _to.Lea(FourRowsOn, new Memory(first, 0, Row, 4));
        _to.Lea(ThreeRows, new Memory(Row, 0, Row, 2));
    }

    private static Memory At(Gpr first, int row, int place)
    {
        var start = row < 4 ? first : FourRowsOn;
        return (row % 4) switch
        {
            0 => new Memory(start, place),
            3 => new Memory(start, place, ThreeRows),
            var times => new Memory(start, place, Row, times),
        };
    }

    private static Zmm Integers(int row, int half) => new(2 * row + half);

    private static Zmm Chain(int row, int half) => new(2 * MostRows + 2 * row + half);
}
