using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FederatedDpLlm.Models.Kernels.MachineCode;

// References
//   Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: 2.1 (ModR/M, SIB), 2.7 (EVEX: table 2-30 its fields, 2.7.5 the displacement
//   that counts operands), and the page of each instruction, whose encoding stands beside the method.

/// <summary>Writes the few x86-64 instructions that the kernels are made of, 512 bits wide; a method is an instruction, its operands in the manual's order.</summary>
internal sealed class Assembler
{
    private const byte Map0F = 1;
    private const byte Map0F38 = 2;
    private const byte NoPrefix = 0;
    private const byte Prefix66 = 1;
    private const int VectorBytes = 64;
    private const int ElementBytes = 4;
    private readonly List<byte> _code = [];

    public ReadOnlySpan<byte> Code => CollectionsMarshal.AsSpan(_code);

    /// <summary>Bytes so far: where the next instruction begins.</summary>
    public int Position => _code.Count;

    /// <summary>EVEX.512.66.0F38.W0 50 /r: sum += the four products of an unsigned and a signed byte in each 32 bits.</summary>
    public void Vpdpbusd(Zmm sum, Zmm unsigned, Zmm signed) => Evex(Map0F38, Prefix66, 0x50, sum, unsigned, signed);

    /// <summary>EVEX.512.66.0F38.W0 58 /r.</summary>
    public void Vpbroadcastd(Zmm target, Memory source) => Evex(Map0F38, Prefix66, 0x58, target, default, source, ElementBytes);

    /// <summary>EVEX.512.66.0F38.W0 7C /r.</summary>
    public void Vpbroadcastd(Zmm target, Gpr source) => Evex(Map0F38, Prefix66, 0x7C, target, default, new Zmm((int)source));

    /// <summary>EVEX.512.66.0F.W0 FE /r.</summary>
    public void Vpaddd(Zmm target, Zmm left, Zmm right) => Evex(Map0F, Prefix66, 0xFE, target, left, right);

    /// <summary>EVEX.512.66.0F.W0 EF /r.</summary>
    public void Vpxord(Zmm target, Zmm left, Memory right) => Evex(Map0F, Prefix66, 0xEF, target, left, right, VectorBytes);

    /// <summary>EVEX.512.66.0F.W0 EF /r.</summary>
    public void Vpxord(Zmm target, Zmm left, Zmm right) => Evex(Map0F, Prefix66, 0xEF, target, left, right);

    /// <summary>EVEX.512.66.0F.W0 DB /r.</summary>
    public void Vpandd(Zmm target, Zmm left, Zmm right) => Evex(Map0F, Prefix66, 0xDB, target, left, right);

    /// <summary>EVEX.512.66.0F.W0 72 /6 ib.</summary>
    public void Vpslld(Zmm target, Memory source, byte bits) => Shift(6, target, source, bits);

    /// <summary>EVEX.512.66.0F.W0 72 /4 ib.</summary>
    public void Vpsrad(Zmm target, Memory source, byte bits) => Shift(4, target, source, bits);

    /// <summary>EVEX.512.66.0F.W0 72 /4 ib.</summary>
    public void Vpsrad(Zmm target, Zmm source, byte bits)
    {
        Evex(Map0F, Prefix66, 0x72, new Zmm(4), target, source);
        _code.Add(bits);
    }

    /// <summary>EVEX.512.0F.W0 5B /r.</summary>
    public void Vcvtdq2ps(Zmm target, Zmm source) => Evex(Map0F, NoPrefix, 0x5B, target, default, source);

    /// <summary>EVEX.512.0F.W0 59 /r.</summary>
    public void Vmulps(Zmm target, Zmm left, Zmm right) => Evex(Map0F, NoPrefix, 0x59, target, left, right);

    /// <summary>EVEX.512.0F.W0 59 /r with one float of memory in every lane (EVEX.b).</summary>
    public void VmulpsBroadcast(Zmm target, Zmm left, Memory right) => Evex(Map0F, NoPrefix, 0x59, target, left, right, ElementBytes, broadcast: true);

    /// <summary>EVEX.512.66.0F38.W0 B8 /r: sum = left * right + sum, rounded once.</summary>
    public void Vfmadd231ps(Zmm sum, Zmm left, Zmm right) => Evex(Map0F38, Prefix66, 0xB8, sum, left, right);

    /// <summary>EVEX.512.0F.W0 11 /r.</summary>
    public void Vmovups(Memory target, Zmm source) => Evex(Map0F, NoPrefix, 0x11, source, default, target, VectorBytes);

    /// <summary>VEX.128.0F.WIG 77: the upper halves are empty again, as calling conventions want it.</summary>
    public void Vzeroupper() => _code.AddRange([0xC5, 0xF8, 0x77]);

    /// <summary>0F 18 /1.</summary>
    public void Prefetcht0(Memory line) => Legacy([0x0F, 0x18], 1, line, wide: false);

    /// <summary>REX.W 8D /r.</summary>
    public void Lea(Gpr target, Memory address) => Legacy([0x8D], (int)target, address, wide: true);

    /// <summary>REX.W 8B /r.</summary>
    public void Mov(Gpr target, Memory source) => Legacy([0x8B], (int)target, source, wide: true);

    /// <summary>B8+rd id, of the lower eight registers: the upper 32 bits become zeros.</summary>
    public void Mov(Gpr target, uint value)
    {
        _code.Add((byte)(0xB8 + (int)target));
        Number(unchecked((int)value));
    }

    /// <summary>REX.W 81 /0 id.</summary>
    public void Add(Gpr target, int value)
    {
        Registers(0x81, 0, target);
        Number(value);
    }

    /// <summary>REX.W FF /1.</summary>
    public void Dec(Gpr target) => Registers(0xFF, 1, target);

    /// <summary>0F 85 cd: back to an earlier <see cref="Position"/> while the last result is not zero.</summary>
    public void Jnz(int position)
    {
        _code.AddRange([0x0F, 0x85]);
        Number(position - (Position + sizeof(int)));
    }

    /// <summary>C3.</summary>
    public void Ret() => _code.Add(0xC3);

    private void Shift(int extension, Zmm target, Memory source, byte bits)
    {
        Evex(Map0F, Prefix66, 0x72, new Zmm(extension), target, source, VectorBytes);
        _code.Add(bits);
    }

    private void Evex(byte map, byte prefix, byte opcode, Zmm register, Zmm vector, Zmm operand)
    {
        EvexPrefix(map, prefix, register, vector, operand.Number >> 4, operand.Number >> 3, broadcast: false);
        _code.AddRange([opcode, (byte)(0xC0 | (register.Number & 7) << 3 | operand.Number & 7)]);
    }

    private void Evex(byte map, byte prefix, byte opcode, Zmm register, Zmm vector, Memory operand, int unit, bool broadcast = false)
    {
        EvexPrefix(map, prefix, register, vector, (int)(operand.Index ?? 0) >> 3, (int)operand.Base >> 3, broadcast);
        _code.Add(opcode);
        Place(register.Number, operand, unit);
    }

    // Table 2-30; the bits that extend register numbers are kept inverted.
    private void EvexPrefix(byte map, byte prefix, Zmm register, Zmm vector, int x, int b, bool broadcast)
    {
        const int Length512 = 0x40;
        _code.Add(0x62);
        _code.Add((byte)(Inverted(register.Number >> 3, 7) | Inverted(x, 6) | Inverted(b, 5) | Inverted(register.Number >> 4, 4) | map));
        _code.Add((byte)((~vector.Number & 15) << 3 | 4 | prefix));
        _code.Add((byte)(Length512 | (broadcast ? 0x10 : 0) | Inverted(vector.Number >> 4, 3)));
    }

    private static int Inverted(int bit, int place) => (~bit & 1) << place;

    private void Legacy(ReadOnlySpan<byte> opcode, int register, Memory operand, bool wide)
    {
        var rex = 0x40 | (wide ? 8 : 0) | register >> 3 << 2 | (int)(operand.Index ?? 0) >> 3 << 1 | (int)operand.Base >> 3;
        if (rex != 0x40)
        {
            _code.Add((byte)rex);
        }

        _code.AddRange(opcode);
        Place(register, operand, 1);
    }

    private void Registers(byte opcode, int register, Gpr operand) =>
        _code.AddRange([(byte)(0x48 | register >> 3 << 2 | (int)operand >> 3), opcode, (byte)(0xC0 | (register & 7) << 3 | (int)operand & 7)]);

    // ModR/M, SIB and displacement; one of eight bits counts units of the operand.
    private void Place(int register, Memory operand, int unit)
    {
        var (counted, rest) = Math.DivRem(operand.Displacement, unit);
        var isShort = rest == 0 && counted is >= sbyte.MinValue and <= sbyte.MaxValue;
        var hasSib = operand.Index is not null || ((int)operand.Base & 7) == (int)Gpr.Rsp;
        _code.Add((byte)((isShort ? 0x40 : 0x80) | (register & 7) << 3 | (hasSib ? (int)Gpr.Rsp : (int)operand.Base & 7)));
        if (hasSib)
        {
            _code.Add((byte)(int.Log2(operand.Scale) << 6 | ((int)(operand.Index ?? Gpr.Rsp) & 7) << 3 | (int)operand.Base & 7));
        }

        if (isShort)
        {
            _code.Add(unchecked((byte)counted));
        }
        else
        {
            Number(operand.Displacement);
        }
    }

    private void Number(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }
}
