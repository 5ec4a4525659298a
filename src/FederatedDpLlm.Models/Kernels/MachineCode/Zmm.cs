namespace FederatedDpLlm.Models.Kernels.MachineCode;

/// <summary>A register of 512 bits.</summary>
/// <param name="Number">0 to 31.</param>
internal readonly record struct Zmm(int Number);
