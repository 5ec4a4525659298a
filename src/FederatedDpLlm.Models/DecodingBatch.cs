using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models;

/// <summary>
/// Many contexts decoded in step: the voters of one prompt. Each step is one forward pass over all of them. One thread at a time; disposing gives the
/// cache's memory back at once.
/// </summary>
public sealed class DecodingBatch : IDisposable
{
    private readonly BatchedForward _forward;
    private readonly int _vocabulary;
    private readonly float[] _logits;
    private readonly int[] _contextOf;
    private readonly List<KvSequence> _sequences = [];

    private DecodingBatch(BatchedForward forward, int vocabulary, int[] contextOf, int distinct)
    {
        (_forward, _vocabulary, _contextOf) = (forward, vocabulary, contextOf);
        _logits = new float[distinct * vocabulary];
    }

    /// <summary>The number of contexts.</summary>
    public int Count => _contextOf.Length;

    /// <summary>What is told when the batch gives its memory back.</summary>
    internal Action? Disposed { get; set; }

    /// <summary>The next token's logits of a context, one per vocabulary entry; changed by the next <see cref="Append"/>.</summary>
    public ReadOnlySpan<float> Logits(int index) => LogitsOf(_contextOf[index]);

    /// <summary>The same contexts once more: what was computed is shared, what either appends is its own.</summary>
    public DecodingBatch Fork()
    {
        ObjectDisposedException.ThrowIf(_sequences.Count == 0, this);
        var fork = new DecodingBatch(_forward, _vocabulary, _contextOf, _sequences.Count);
        _logits.CopyTo(fork._logits, 0);
        fork._sequences.AddRange(_sequences.Select(sequence => sequence.Fork()));
        return fork;
    }

    /// <summary>Appends one token to every context and computes the next logits.</summary>
    /// <exception cref="ContextOverflowException">A context is full.</exception>
    public void Append(int token, CancellationToken cancellationToken) => _forward.Run(Step(token), cancellationToken);

    /// <summary>The log-likelihood of each option as the continuation of each context; the contexts themselves stay as they are.</summary>
    /// <param name="options">Token sequences, each of at least one token.</param>
    /// <param name="cancellationToken">Ends the work between two passes.</param>
    /// <returns>[context][option]: natural logarithm, summed over the option's tokens.</returns>
    /// <exception cref="ContextOverflowException">A context with an option is longer than the model's context.</exception>
    public IReadOnlyList<IReadOnlyList<double>> Score(IReadOnlyList<IReadOnlyList<int>> options, CancellationToken cancellationToken)
    {
        using var scoring = Scoring(options);
        _forward.Run(scoring.Work, cancellationToken);
        return ScoresOf(scoring);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sequences.ForEach(sequence => sequence.Dispose());
        _sequences.Clear();
        var told = Disposed;
        Disposed = null;
        told?.Invoke();
    }

    internal static DecodingBatch Open(
        BatchedForward forward, KvBlockPool pool, ModelConfiguration shape, IReadOnlyList<IReadOnlyList<int>> contexts, ModelAdapter? adapter,
        CancellationToken cancellationToken)
    {
        adapter?.Check(shape);
        var (batch, distinct) = Create(forward, shape, contexts);
        try
        {
            foreach (var work in batch.Prefill(pool, adapter, distinct))
            {
                forward.Run(work, cancellationToken);
            }

            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>A batch that has read nothing yet, and what it has to read: the different ones of the contexts.</summary>
    internal static (DecodingBatch Batch, IReadOnlyList<int[]> Distinct) Create(BatchedForward forward, ModelConfiguration shape, IReadOnlyList<IReadOnlyList<int>> contexts)
    {
        ArgumentNullException.ThrowIfNull(contexts);
        if (contexts.Count == 0 || contexts.Any(context => context.Count == 0))
        {
            throw new ArgumentException("A batch needs at least one context, and every context at least one token.", nameof(contexts));
        }

        var places = new Dictionary<int[], int>(TokensComparer.Instance);
        var contextOf = contexts.Select(context => context.ToArray()).Select(context => places.TryGetValue(context, out var place) ? place : places[context] = places.Count).ToArray();
        return (new DecodingBatch(forward, shape.Vocabulary, contextOf, places.Count), [.. places.OrderBy(pair => pair.Value).Select(pair => pair.Key)]);
    }

    /// <summary>
    /// The works that read the contexts, each to be done before the next is asked for. What all contexts begin with is computed once; at least one token of
    /// each is left, whose logits are wanted.
    /// </summary>
    internal IEnumerable<ForwardWork> Prefill(KvBlockPool pool, ModelAdapter? adapter, IReadOnlyList<int[]> contexts)
    {
        var shared = Math.Min(contexts.Min(context => context.Length) - 1, CommonPrefix(contexts));
        using var prefix = new KvSequence(pool, adapter);
        if (shared > 0)
        {
            yield return new ForwardWork([new SequenceChunk(prefix, contexts[0].AsMemory(0, shared), LogitsWanted.None)], static (_, _, _) => { });
        }

        _sequences.AddRange(contexts.Select(_ => prefix.Fork()));
        yield return new ForwardWork(
            [.. contexts.Select((context, index) => new SequenceChunk(_sequences[index], context.AsMemory(shared), LogitsWanted.Last))],
            (chunk, _, logits) => Keep(chunk, logits));
    }

    /// <summary>The work that appends a token to every context.</summary>
    internal ForwardWork Step(int token)
    {
        ObjectDisposedException.ThrowIf(_sequences.Count == 0, this);
        ReadOnlyMemory<int> one = new[] { token };
        return new ForwardWork([.. _sequences.Select(sequence => new SequenceChunk(sequence, one, LogitsWanted.Last))], (chunk, _, logits) => Keep(chunk, logits));
    }

    internal OptionScoring Scoring(IReadOnlyList<IReadOnlyList<int>> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ObjectDisposedException.ThrowIf(_sequences.Count == 0, this);
        return new OptionScoring(_sequences, options, (context, token) => LogLikelihood.Of(LogitsOf(context), token));
    }

    /// <returns>[context][option], once the scoring's work is done.</returns>
    internal IReadOnlyList<IReadOnlyList<double>> ScoresOf(OptionScoring scoring) => [.. _contextOf.Select(context => scoring.Scores[context])];

    private void Keep(int sequence, ReadOnlySpan<float> logits) => logits.CopyTo(_logits.AsSpan(sequence * _vocabulary));

    private ReadOnlySpan<float> LogitsOf(int distinct) => _logits.AsSpan(distinct * _vocabulary, _vocabulary);

    private static int CommonPrefix(IReadOnlyList<int[]> contexts)
    {
        var length = contexts[0].Length;
        foreach (var context in contexts)
        {
            length = Math.Min(length, context.AsSpan().CommonPrefixLength(contexts[0]));
        }

        return length;
    }

    private sealed class TokensComparer : IEqualityComparer<int[]>
    {
        public static TokensComparer Instance { get; } = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] tokens)
        {
            var hash = default(HashCode);
            foreach (var token in tokens)
            {
                hash.Add(token);
            }

            return hash.ToHashCode();
        }
    }
}
