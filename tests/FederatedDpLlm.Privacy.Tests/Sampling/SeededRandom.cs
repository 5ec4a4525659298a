using System.Runtime.InteropServices;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

/// <summary>A repeatable source for tests (splitmix64, Steele et al., OOPSLA 2014): a test that fails once fails always.</summary>
internal sealed class SeededRandom(ulong seed) : ISecureRandom
{
    private ulong _state = seed;

    /// <summary>How many times bytes were asked for.</summary>
    public long Draws { get; private set; }

    public void Fill(Span<byte> destination)
    {
        Draws++;
        while (destination.Length >= sizeof(ulong))
        {
            MemoryMarshal.Write(destination, Next());
            destination = destination[sizeof(ulong)..];
        }

        var last = Next();
        MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in last))[..destination.Length].CopyTo(destination);
    }

    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
