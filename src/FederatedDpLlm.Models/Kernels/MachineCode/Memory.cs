namespace FederatedDpLlm.Models.Kernels.MachineCode;

/// <summary>The operand at base + index * scale + displacement.</summary>
/// <param name="Base">A register.</param>
/// <param name="Displacement">Bytes.</param>
/// <param name="Index">Another one, not the stack's.</param>
/// <param name="Scale">1, 2, 4 or 8.</param>
internal readonly record struct Memory(Gpr Base, int Displacement = 0, Gpr? Index = null, int Scale = 1);
