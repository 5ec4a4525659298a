using System.Text;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Federation.Nodes.Shards.Engine;

/// <summary>One decoding over a cluster and the whole vocabulary. A fork is computed anew when it is first appended to: shards keep a cache a sequence and share none.</summary>
internal sealed class ShardedDecodingBatch(ShardedEngine engine, PromptTemplate template, ShardBatch batch, float[][] logits, IDisposable? room) : IDecodingBatch
{
    private readonly StreamingTextDecoder _decoder = template.AnswerDecoder();
    private readonly StringBuilder _text = new();
    private float[][] _logits = logits;

    public IReadOnlyList<int> Candidates { get; } = [.. Enumerable.Range(0, logits[0].Length)];

    public string Text => _text.ToString();

    // The room for one fork at a time was taken with the prompt's own.
    public IDecodingBatch Fork() => new ShardedDecodingBatch(engine, template, engine.Again(batch), _logits, room: null);

    public bool IsEnd(int token) => template.EndTokens.Contains(token);

    public ReadOnlySpan<float> Logits(int index) => _logits[index];

    public async Task AppendAsync(int token, CancellationToken cancellationToken)
    {
        batch.Append([token]);
        _logits = [.. (await engine.ComputeAsync(batch, 1, cancellationToken).ConfigureAwait(false)).Select(rows => rows[0])];
        _text.Append(_decoder.Append(token));
    }

    public ValueTask DisposeAsync()
    {
        batch.Dispose();
        room?.Dispose();
        return ValueTask.CompletedTask;
    }
}
