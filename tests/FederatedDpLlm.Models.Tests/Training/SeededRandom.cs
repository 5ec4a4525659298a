using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>Repeatable bytes, for tests only.</summary>
internal sealed class SeededRandom(byte seed) : ISecureRandom
{
    private readonly AesCounterRandom _stream = new([.. Enumerable.Repeat(seed, AesCounterRandom.KeySizeBytes)]);

    public void Fill(Span<byte> destination) => _stream.Fill(destination);
}
