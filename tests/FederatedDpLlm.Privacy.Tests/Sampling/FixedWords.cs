using System.Runtime.InteropServices;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

/// <summary>Gives the words it was made with, over and over.</summary>
internal sealed class FixedWords(params ulong[] words) : ISecureRandom
{
    private int _next;

    public void Fill(Span<byte> destination)
    {
        foreach (ref var word in MemoryMarshal.Cast<byte, ulong>(destination))
        {
            word = words[_next++ % words.Length];
        }
    }
}
