using System.Collections.Concurrent;

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
    public void Run(IReadOnlyList<SequenceChunk> chunks, LogitsReceiver receive, CancellationToken cancellationToken) =>
        Run(new ForwardWork(chunks, receive), cancellationToken);

    /// <inheritdoc cref="Run(IReadOnlyList{SequenceChunk}, LogitsReceiver, CancellationToken)"/>
    public void Run(ForwardWork work, CancellationToken cancellationToken)
    {
        Check(work);
        while (work.Left > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Pass([.. work.Take(RowsPerPass)]);
        }
    }

    /// <summary>Says whether a work can be done, before anything of it is.</summary>
    /// <exception cref="ContextOverflowException">A sequence would grow beyond the context.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The model does not know a token.</exception>
    public void Check(ForwardWork work)
    {
        foreach (var chunk in work.Chunks)
        {
            if (chunk.Sequence.Length + chunk.Tokens.Length > weights.Shape.Context)
            {
                throw new ContextOverflowException(weights.Shape.Context);
            }

            foreach (var token in chunk.Tokens.Span)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)weights.Shape.Vocabulary, nameof(token));
            }
        }
    }

    /// <summary>One pass over pieces of any works that were checked.</summary>
    /// <param name="pieces">At most <see cref="RowsPerPass"/> tokens together.</param>
    public void Pass(IReadOnlyList<ForwardPiece> pieces)
    {
        var workspace = _workspaces.TryTake(out var free) ? free : new ForwardWorkspace(weights.Shape, RowsPerPass, threads);
        try
        {
            LlamaForward.Run(weights, [.. pieces.Select(piece => piece.Chunk)], workspace);
            HandOut(pieces, workspace);
        }
        finally
        {
            _workspaces.Add(workspace);
        }
    }

    private void HandOut(IReadOnlyList<ForwardPiece> pieces, ForwardWorkspace workspace)
    {
        var (row, vocabulary) = (0, weights.Shape.Vocabulary);
        foreach (var piece in pieces)
        {
            var count = piece.Chunk.Tokens.Length;
            var first = piece.Chunk.Logits switch { LogitsWanted.All => 0, LogitsWanted.Last => count - 1, _ => count };
            for (var token = first; token < count; token++, row++)
            {
                piece.Work.Receive(piece.Index, piece.Start + token, workspace.Logits.Span.Slice(row * vocabulary, vocabulary));
            }
        }
    }
}
