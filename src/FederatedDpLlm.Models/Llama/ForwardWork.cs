namespace FederatedDpLlm.Models.Llama;

/// <summary>Chunks on their way through forward passes: in one after the other, or piece by piece where others share the passes. One thread at a time.</summary>
/// <param name="chunks">Tokens to append; those of one sequence in one chunk.</param>
/// <param name="receive">Gets the wanted logits, in the chunks' order.</param>
internal sealed class ForwardWork(IReadOnlyList<SequenceChunk> chunks, LogitsReceiver receive)
{
    private int _chunk;
    private int _start;

    public IReadOnlyList<SequenceChunk> Chunks => chunks;

    /// <summary>Tokens that no pass has taken yet.</summary>
    public int Left { get; private set; } = chunks.Sum(chunk => chunk.Tokens.Length);

    /// <summary>Whether every sequence gets one token, as a step of decoding does.</summary>
    public bool IsStep { get; } = chunks.All(chunk => chunk.Tokens.Length == 1);

    /// <summary>The next tokens, at most <paramref name="rows"/> of them, for the pass that comes.</summary>
    public IEnumerable<ForwardPiece> Take(int rows)
    {
        while (rows > 0 && Left > 0)
        {
            var chunk = chunks[_chunk];
            var count = Math.Min(rows, chunk.Tokens.Length - _start);
            var isLast = _start + count == chunk.Tokens.Length;
            var wanted = chunk.Logits == LogitsWanted.Last && !isLast ? LogitsWanted.None : chunk.Logits;
            var piece = new ForwardPiece(this, _chunk, _start, new SequenceChunk(chunk.Sequence, chunk.Tokens.Slice(_start, count), wanted));
            (rows, Left) = (rows - count, Left - count);
            (_chunk, _start) = isLast ? (_chunk + 1, 0) : (_chunk, _start + count);
            yield return piece;
        }
    }

    public void Receive(int chunk, int token, ReadOnlySpan<float> logits) => receive(chunk, token, logits);
}

/// <summary>What one pass appends of a work.</summary>
/// <param name="Work">Whose tokens they are.</param>
/// <param name="Index">The chunk's index in the work.</param>
/// <param name="Start">The first token's index in the chunk.</param>
/// <param name="Chunk">The tokens.</param>
internal readonly record struct ForwardPiece(ForwardWork Work, int Index, int Start, SequenceChunk Chunk);
