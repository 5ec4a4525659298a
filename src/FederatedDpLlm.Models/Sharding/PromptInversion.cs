using FederatedDpLlm.Models.Kernels;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>
/// What a shard can do with the hidden states that it is sent: get the prompt back. It needs nothing but the public weights. This is why a request's shards stay inside
/// a trust zone; noise on the states does not help (arXiv 2605.23158) and is not offered.
/// </summary>
public sealed class PromptInversion
{
    private readonly ShardedModel _model;
    private readonly ShardEngine? _front;
    private readonly int _layers;

    /// <param name="model">The public weights before the first layer.</param>
    /// <param name="front">The public weights of the layers before the attacker's own, from the first on; null where the attacker holds the first.</param>
    public PromptInversion(ShardedModel model, ShardEngine? front)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _front, _layers) = (model, front, front?.Assignment.Layers.Count ?? 0);
    }

    /// <summary>What enters the first layer: the prompt itself, row by row.</summary>
    /// <param name="tokens">The prompt.</param>
    /// <param name="states">Row-major [position][width].</param>
    public void Embed(ReadOnlySpan<int> tokens, Span<float> states) => _model.Edges.Embed(tokens, states);

    /// <summary>
    /// The simplest attack: for each position the token whose embedding lies nearest, where a token's embedding is what the front layers make of it alone. One pass over
    /// the vocabulary, no knowledge of the positions before.
    /// </summary>
    /// <param name="states">Row-major [position][width].</param>
    public IReadOnlyList<int> NearestEmbedding(ReadOnlySpan<float> states)
    {
        var (width, session) = (_model.Shape.Width, Guid.NewGuid());
        var embeddings = Enumerable.Range(0, _model.Shape.Vocabulary).Select(token => Try(session, 0, token).ToArray()).ToList();
        _front?.Close(session);
        var tokens = new List<int>();
        for (; states.Length > 0; states = states[width..])
        {
            var state = states[..width].ToArray();
            tokens.Add(Enumerable.Range(0, embeddings.Count).MinBy(token => Distance(embeddings[token], state)));
        }

        return tokens;
    }

    /// <summary>
    /// The attack of Dong et al. (arXiv 2503.09022) at its simplest: position by position, every token of the vocabulary is tried behind what is recovered already,
    /// and the one whose state comes nearest to the seen one is taken. Since the arithmetic is canonical, the right one meets it exactly.
    /// </summary>
    /// <param name="states">Row-major [position][width].</param>
    /// <param name="cancellationToken">Ends the attack between two positions.</param>
    public IReadOnlyList<int> Replay(ReadOnlySpan<float> states, CancellationToken cancellationToken)
    {
        var (session, tokens) = (Guid.NewGuid(), new List<int>());
        for (var position = 0; states.Length > 0; position++, states = states[_model.Shape.Width..])
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (best, bestDistance) = (0, double.PositiveInfinity);
            for (var token = 0; token < _model.Shape.Vocabulary && bestDistance > 0; token++)
            {
                var distance = Distance(Try(session, position, token).Span, states[.._model.Shape.Width]);
                (best, bestDistance) = distance < bestDistance ? (token, distance) : (best, bestDistance);
            }

            // The cache must hold the taken token's keys and values for the positions behind it.
            Try(session, position, best);
            tokens.Add(best);
        }

        _front?.Close(session);
        return tokens;
    }

    /// <summary>
    /// The other end: the next token that the public head reads out of each state (the logit lens), as if the layers behind were not there. Where the state is that of the answer's
    /// tokens, this is the answer.
    /// </summary>
    /// <param name="states">Row-major [position][width].</param>
    public unsafe IReadOnlyList<int> ReadByHead(ReadOnlySpan<float> states)
    {
        var (width, vocabulary) = (_model.Shape.Width, _model.Shape.Vocabulary);
        var (rows, logits) = (Enumerable.Range(0, states.Length / width).ToArray(), new float[states.Length / width * vocabulary]);
        var normed = new FloatBuffer(states.Length);
        fixed (float* from = states)
        fixed (float* to = logits)
        {
            _model.Edges.Project(from, rows, normed.Pointer, to);
        }

        GC.KeepAlive(normed);
        return [.. rows.Select(row => Enumerable.Range(0, vocabulary).MaxBy(token => logits[row * vocabulary + token]))];
    }

    private ReadOnlyMemory<float> Try(Guid session, int position, int token)
    {
        var stream = new float[_model.Shape.Width];
        _model.Edges.Embed([token], stream);
        return _front is null ? stream : _front.Compute(new ShardWork(ShardStepKind.Layers, 0, _layers, [new ShardRows(session, position, 1)], stream));
    }

    private static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        }

        return sum;
    }
}
