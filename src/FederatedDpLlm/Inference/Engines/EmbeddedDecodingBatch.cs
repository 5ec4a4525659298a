using System.Text;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>One decoding of the embedded engine over the whole vocabulary.</summary>
internal sealed class EmbeddedDecodingBatch(LanguageModel model, DecodingBatch batch, ContinuousBatcher batcher) : IDecodingBatch
{
    private readonly StreamingTextDecoder _decoder = model.Template.AnswerDecoder();
    private readonly StringBuilder _text = new();

    public IReadOnlyList<int> Candidates { get; } = [.. Enumerable.Range(0, model.Configuration.Vocabulary)];

    public string Text => _text.ToString();

    public IDecodingBatch Fork() => new EmbeddedDecodingBatch(model, batch.Fork(), batcher);

    public bool IsEnd(int token) => model.Template.EndTokens.Contains(token);

    public ReadOnlySpan<float> Logits(int index) => batch.Logits(index);

    public async Task AppendAsync(int token, CancellationToken cancellationToken)
    {
        await batcher.AppendAsync(batch, token, cancellationToken).ConfigureAwait(false);
        _text.Append(_decoder.Append(token));
    }

    public ValueTask DisposeAsync()
    {
        batch.Dispose();
        return ValueTask.CompletedTask;
    }
}
