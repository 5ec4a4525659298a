using System.Runtime.CompilerServices;
using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Tests.Inference.Engines;

/// <summary>
/// A small deterministic language model for tests: it finds an option likelier the more often a context's records name it, and a token likelier the more often its
/// letter stands in the records and the text so far. Token 0 ends an answer; token i is the i-th letter.
/// </summary>
internal sealed class CountingEngine : IInferenceEngine
{
    public const int Vocabulary = 6;

    public EngineCapabilities Capabilities { get; init; } = new("counting", 0, Scores: true, Logits: true, int.MaxValue) { Forms = true };

    public IReadOnlyList<ChatContext> LastContexts { get; private set; } = [];

    public int CountTokens(IReadOnlyList<ChatMessage> messages) => messages.Sum(message => message.Content.Length);

    public Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken)
    {
        LastContexts = contexts;
        return Task.FromResult<IReadOnlyList<IReadOnlyList<OptionScore>>>([.. contexts.Select(context => options.Select((option, i) => new OptionScore(-10 - (0.01 * i) + Times(context, option), 1)).ToList())]);
    }

    /// <summary>How often contexts were read for decoding.</summary>
    public int Opened { get; private set; }

    public Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken)
    {
        Opened++;
        LastContexts = contexts;
        return Task.FromResult<IDecodingBatch>(new Batch(contexts));
    }

    public async IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Assert.Empty(context.Records);
        for (var i = 0; i < Math.Min(3, options.MaxTokens); i++)
        {
            await Task.Yield();
            yield return new GeneratedText("a");
        }
    }

    private static int Times(ChatContext context, string text) => context.Records.Sum(record => record.Split(text).Length - 1);

    private sealed class Batch(IReadOnlyList<ChatContext> contexts) : IDecodingBatch
    {
        public IReadOnlyList<int> Candidates { get; } = [.. Enumerable.Range(0, Vocabulary)];

        public string Text { get; private set; } = "";

        public IDecodingBatch Fork() => new Batch(contexts) { Text = Text };

        public bool IsEnd(int token) => token == 0;

        public ReadOnlySpan<float> Logits(int index) =>
            Candidates.Select(token => token == 0 ? (Text.Length * 0.5f) - 2 : Times(contexts[index], Letter(token)) + (0.1f * token)).ToArray();

        public Task AppendAsync(int token, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Text += Letter(token);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static string Letter(int token) => ((char)('a' + token - 1)).ToString();
    }
}
