namespace FederatedDpLlm.Models.Serving;

/// <summary>What a <see cref="ContinuousBatcher"/> may hold and how it shares its passes.</summary>
public sealed record ServingOptions
{
    /// <summary>Streams that are read or decoded at the same time, 1 to 128.</summary>
    public int MostStreams { get; init; } = 32;

    /// <summary>Streams that may wait for their turn; one more is refused.</summary>
    public int MostWaiting { get; init; } = 256;

    /// <summary>Memory of the key-value cache up to which streams are let in, in bytes. A stream counts with its prompt and its longest answer from the beginning on.</summary>
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>Memory of prompts that are kept for the next one that begins alike, in bytes; 0 keeps none.</summary>
    public long PrefixBytes { get; init; } = 1L << 28;

    /// <summary>Most tokens of all prompts together in a pass that others decode in, 1 to 128: what a long prompt makes them wait.</summary>
    public int ChunkTokens { get; init; } = 64;

    /// <summary>Itself, once its ranges are checked.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    internal ServingOptions Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MostStreams, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MostStreams, 128);
        ArgumentOutOfRangeException.ThrowIfNegative(MostWaiting);
        ArgumentOutOfRangeException.ThrowIfLessThan(CacheBytes, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(PrefixBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(ChunkTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ChunkTokens, 128);
        return this;
    }
}
