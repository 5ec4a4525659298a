namespace FederatedDpLlm.Models.Kernels.MachineCode;

/// <summary>The registers of 64 bits that a function may use up (System V ABI for x86-64, 3.2.1), and the stack's.</summary>
internal enum Gpr
{
    Rax = 0,
    Rcx = 1,
    Rdx = 2,
    Rsp = 4,
    Rsi = 6,
    Rdi = 7,
    R8 = 8,
    R9 = 9,
    R10 = 10,
    R11 = 11,
}
