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

    /// <summary>The longest that a context grows.</summary>
    public int ContextTokens => _forward.Context;

    /// <summary>Whether a context has no room for a further token.</summary>
    public bool IsFull => _sequences.Any(sequence => sequence.Length >= ContextTokens);

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
    public void Append(int token, CancellationToken cancellationToken) => AppendTogether([(this, token)], cancellationToken);

    /// <summary>Appends to every batch its own token: all of them in one forward pass, so that answers decoded at the same time read the weights once.</summary>
    /// <param name="steps">Different batches of one model, each with the token for its contexts.</param>
    /// <param name="cancellationToken">Ends the work between two passes; the batches are then of no further use.</param>
    /// <exception cref="ContextOverflowException">A context is full (see <see cref="IsFull"/>); nothing was appended to any.</exception>
    public static void AppendTogether(IReadOnlyList<(DecodingBatch Batch, int Token)> steps, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(steps);
        if (steps.Count == 0)
        {
            return;
        }

        if (steps.Any(step => step.Batch._forward != steps[0].Batch._forward) || steps.Select(step => step.Batch).Distinct().Count() < steps.Count)
        {
            throw new ArgumentException("Steps taken together are of different batches of one model.", nameof(steps));
        }

        var (chunks, places) = (new List<SequenceChunk>(), new List<(DecodingBatch Batch, int Sequence)>());
        foreach (var (batch, token) in steps)
        {
            ObjectDisposedException.ThrowIf(batch._sequences.Count == 0, batch);
            ReadOnlyMemory<int> one = new[] { token };
            chunks.AddRange(batch._sequences.Select(sequence => new SequenceChunk(sequence, one, LogitsWanted.Last)));
            places.AddRange(batch._sequences.Select((_, sequence) => (batch, sequence)));
        }

        steps[0].Batch._forward.Run(chunks, (chunk, _, logits) => places[chunk].Batch.Keep(places[chunk].Sequence, logits), cancellationToken);
    }

    /// <summary>The log-likelihood of each option as the continuation of each context; the contexts themselves stay as they are.</summary>
    /// <param name="options">Token sequences, each of at least one token.</param>
    /// <param name="cancellationToken">Ends the work between two passes.</param>
    /// <returns>[context][option]: natural logarithm, summed over the option's tokens.</returns>
    /// <exception cref="ContextOverflowException">A context with an option is longer than the model's context.</exception>
    public IReadOnlyList<IReadOnlyList<double>> Score(IReadOnlyList<IReadOnlyList<int>> options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ObjectDisposedException.ThrowIf(_sequences.Count == 0, this);
        var scores = FirstTokens(options);
        var forks = new List<KvSequence>();
        try
        {
            var (chunks, places) = Continuations(options, forks);
            _forward.Run(
                chunks,
                (chunk, token, logits) =>
                {
                    var (context, option) = places[chunk];
                    scores[context][option] += LogLikelihood.Of(logits, options[option][token + 1]);
                },
                cancellationToken);
        }
        finally
        {
            forks.ForEach(fork => fork.Dispose());
        }

        return [.. _contextOf.Select(context => scores[context])];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sequences.ForEach(sequence => sequence.Dispose());
        _sequences.Clear();
    }

    internal static DecodingBatch Open(
        BatchedForward forward, KvBlockPool pool, ModelConfiguration shape, IReadOnlyList<IReadOnlyList<int>> contexts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(contexts);
        if (contexts.Count == 0 || contexts.Any(context => context.Count == 0))
        {
            throw new ArgumentException("A batch needs at least one context, and every context at least one token.", nameof(contexts));
        }

        var distinct = contexts.Select(context => context.ToArray()).Distinct(TokensComparer.Instance).ToList();
        var places = distinct.Select((context, index) => (context, index)).ToDictionary(pair => pair.context, pair => pair.index, TokensComparer.Instance);
        var batch = new DecodingBatch(forward, shape.Vocabulary, [.. contexts.Select(context => places[context.ToArray()])], distinct.Count);
        try
        {
            batch.Prefill(pool, distinct, cancellationToken);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    // What all contexts begin with is computed once; at least one token of each is left, whose logits are wanted.
    private void Prefill(KvBlockPool pool, List<int[]> contexts, CancellationToken cancellationToken)
    {
        var shared = Math.Min(contexts.Min(context => context.Length) - 1, CommonPrefix(contexts));
        using var prefix = new KvSequence(pool);
        if (shared > 0)
        {
            _forward.Run([new SequenceChunk(prefix, contexts[0].AsMemory(0, shared), LogitsWanted.None)], static (_, _, _) => { }, cancellationToken);
        }

        _sequences.AddRange(contexts.Select(_ => prefix.Fork()));
        Run([.. contexts.Select((context, index) => new SequenceChunk(_sequences[index], context.AsMemory(shared), LogitsWanted.Last))], cancellationToken);
    }

    private void Run(IReadOnlyList<SequenceChunk> chunks, CancellationToken cancellationToken) =>
        _forward.Run(chunks, (chunk, _, logits) => Keep(chunk, logits), cancellationToken);

    private void Keep(int sequence, ReadOnlySpan<float> logits) => logits.CopyTo(_logits.AsSpan(sequence * _vocabulary));

    private double[][] FirstTokens(IReadOnlyList<IReadOnlyList<int>> options) =>
        [.. _sequences.Select((_, context) => options.Select(option => LogLikelihood.Of(LogitsOf(context), option[0])).ToArray())];

    private (List<SequenceChunk> Chunks, List<(int Context, int Option)> Places) Continuations(IReadOnlyList<IReadOnlyList<int>> options, List<KvSequence> forks)
    {
        var chunks = new List<SequenceChunk>();
        var places = new List<(int, int)>();
        for (var context = 0; context < _sequences.Count; context++)
        {
            for (var option = 0; option < options.Count; option++)
            {
                if (options[option].Count > 1)
                {
                    forks.Add(_sequences[context].Fork());
                    chunks.Add(new SequenceChunk(forks[^1], options[option].Take(options[option].Count - 1).ToArray(), LogitsWanted.All));
                    places.Add((context, option));
                }
            }
        }

        return (chunks, places);
    }

    private ReadOnlySpan<float> LogitsOf(int distinct) => _logits.AsSpan(distinct * _vocabulary, _vocabulary);

    private static int CommonPrefix(List<int[]> contexts)
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
