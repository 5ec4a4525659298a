using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>A repeatable source that remembers how it was used: the same key gives the same bytes, and the calls can be compared.</summary>
public sealed class RecordedRandom : ISecureRandom, IDisposable
{
    private readonly AesCounterRandom _stream;
    private readonly List<int> _calls = [];

    /// <param name="seed">Of the stream; an audit is no place for secrets.</param>
    public RecordedRandom(ulong seed)
    {
        Span<byte> key = stackalloc byte[AesCounterRandom.KeySizeBytes];
        key.Clear();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(key, seed);
        _stream = new(key);
    }

    /// <summary>How many bytes each call asked for, in order.</summary>
    public IReadOnlyList<int> Calls => _calls;

    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        _calls.Add(destination.Length);
        _stream.Fill(destination);
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
