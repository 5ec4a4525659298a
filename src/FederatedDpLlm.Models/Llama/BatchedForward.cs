using System.Collections.Concurrent;
using FederatedDpLlm.Models.KvCache;

namespace FederatedDpLlm.Models.Llama;

/// <summary>Receives the logits after one token.</summary>
/// <param name="chunk">The chunk's index in the call.</param>
/// <param name="token">The token's index in the chunk.</param>
/// <param name="logits">One per vocabulary entry; valid during the call only.</param>
internal delegate void LogitsReceiver(int chunk, int token, ReadOnlySpan<float> logits);

/// <summary>Runs any amount of work through forward passes of bounded size: long prompts are prefilled in chunks, many sequences share a pass.</summary>
internal sealed class BatchedForward(LlamaWeights weights, int threads)
{
    /// <summary>Tokens of one pass: enough to keep the kernels busy, few enough that a cancellation is noticed within a moment.</summary>
    public const int RowsPerPass = 256;

    private readonly ConcurrentBag<ForwardWorkspace> _workspaces = [];

    /// <summary>Positions of a sequence at most.</summary>
    public int Context => weights.Shape.Context;

    /// <summary>Appends every chunk to its sequence and hands out the wanted logits, in order.</summary>
    /// <exception cref="ContextOverflowException">A sequence would grow beyond the context; nothing was computed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two passes; the sequences are of no further use.</exception>
    public void Run(IReadOnlyList<SequenceChunk> chunks, LogitsReceiver receive, CancellationToken cancellationToken)
    {
        if (chunks.Any(chunk => chunk.Sequence.Length + chunk.Tokens.Length > weights.Shape.Context))
        {
            throw new ContextOverflowException(weights.Shape.Context);
        }

        var workspace = _workspaces.TryTake(out var free) ? free : new ForwardWorkspace(weights.Shape, RowsPerPass, threads);
        try
        {
            foreach (var pass in Passes(chunks))
            {
                cancellationToken.ThrowIfCancellationRequested();
                LlamaForward.Run(weights, pass.ConvertAll(piece => piece.Chunk), workspace);
                HandOut(pass, workspace, receive);
            }
        }
        finally
        {
            _workspaces.Add(workspace);
        }
    }

    private static IEnumerable<List<Piece>> Passes(IReadOnlyList<SequenceChunk> chunks)
    {
        var (pass, room) = (new List<Piece>(), RowsPerPass);
        for (var index = 0; index < chunks.Count; index++)
        {
            var (chunk, start) = (chunks[index], 0);
            while (start < chunk.Tokens.Length)
            {
                var count = Math.Min(room, chunk.Tokens.Length - start);
                var wanted = chunk.Logits == LogitsWanted.Last && start + count < chunk.Tokens.Length ? LogitsWanted.None : chunk.Logits;
                pass.Add(new Piece(index, start, new SequenceChunk(chunk.Sequence, chunk.Tokens.Slice(start, count), wanted)));
                (start, room) = (start + count, room - count);
                if (room == 0)
                {
                    yield return pass;
                    (pass, room) = ([], RowsPerPass);
                }
            }
        }

        if (pass.Count > 0)
        {
            yield return pass;
        }
    }

    private void HandOut(List<Piece> pass, ForwardWorkspace workspace, LogitsReceiver receive)
    {
        var (row, vocabulary) = (0, weights.Shape.Vocabulary);
        foreach (var piece in pass)
        {
            var count = piece.Chunk.Tokens.Length;
            var first = piece.Chunk.Logits switch { LogitsWanted.All => 0, LogitsWanted.Last => count - 1, _ => count };
            for (var token = first; token < count; token++, row++)
            {
                receive(piece.Index, piece.Start + token, workspace.Logits.Span.Slice(row * vocabulary, vocabulary));
            }
        }
    }

    private readonly record struct Piece(int Index, int Start, SequenceChunk Chunk);
}
